#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "vector/kernels/select.hpp"

namespace threepc::kernels {
namespace {

/// Bounds between which the k-th largest magnitude lies, most probably.
template <class M>
struct Bracket {
  M least, most;
};

/// From a random sample, the same for equal dimensions.
template <class T>
Bracket<Magnitude<T>> guess(const T* a, const T* b, std::uint32_t dim, std::uint32_t k,
                            std::vector<Magnitude<T>>& sample) {
  constexpr std::uint32_t most_sampled = 16384;
  const std::uint32_t count = std::clamp(dim / 32, std::min(dim, 64U), most_sampled);
  sample.resize(count);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (Magnitude<T>& m : sample) {
    state = state * 6364136223846793005 + 1442695040888963407;
    m = magnitude_bits(a, b, static_cast<std::uint32_t>((state >> 32) * dim >> 32));
  }
  const double expected = static_cast<double>(count) * k / dim, slack = 4 * std::sqrt(expected) + 4;
  const auto below = static_cast<std::uint32_t>(std::min(expected + slack, count - 1.0));
  std::nth_element(sample.begin(), sample.begin() + below, sample.end(), std::greater<>());
  const Magnitude<T> least = sample[below];
  if (expected <= slack) return {least, std::numeric_limits<Magnitude<T>>::max()};
  const auto above = static_cast<std::uint32_t>(expected - slack);
  std::nth_element(sample.begin(), sample.begin() + above, sample.begin() + below, std::greater<>());
  return {least, sample[above]};
}

/// The k-th largest of values, k >= 1, which are reordered. Many by the bits in which they differ, from the top, so
/// that no distribution is a bad one: each pass counts, and keeps one bucket.
template <class M>
M kth_largest(std::vector<M>& values, std::size_t k) {
  constexpr unsigned bits = 11;
  constexpr std::size_t few = 4096;
  std::array<std::uint32_t, std::size_t{1} << bits> count;
  while (values.size() > few) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const M base = *low;
    const auto range = static_cast<std::uint64_t>(*high - base);
    if (range == 0) return base;
    const auto width = static_cast<unsigned>(std::bit_width(range));
    const unsigned shift = width > bits ? width - bits : 0;
    const auto bucket_of = [&](M m) { return static_cast<std::size_t>(static_cast<std::uint64_t>(m - base) >> shift); };
    count.fill(0);
    for (const M m : values) ++count[bucket_of(m)];
    std::size_t bucket = count.size();
    while (count[--bucket] < k) k -= count[bucket];
    std::erase_if(values, [&](M m) { return bucket_of(m) != bucket; });
  }
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(k) - 1;
  std::nth_element(values.begin(), at, values.end(), std::greater<>());
  return *at;
}

template <class T>
struct Scratch {
  Candidates<T> candidates;
  std::vector<Magnitude<T>> values;
  std::vector<std::uint32_t> ties;
};

/// Keeps the k largest of the candidates, which are as many or more, and returns the magnitude of the last. `most`: a
/// bound that fewer than k exceed, probably.
template <class T>
Magnitude<T> keep_largest(Scratch<T>& scratch, Magnitude<T> most, std::uint32_t k, std::uint32_t* indices) {
  const auto& found = scratch.candidates;
  const auto magnitudes = std::span(found.magnitude.get(), found.size);
  auto above =
      static_cast<std::uint32_t>(std::count_if(magnitudes.begin(), magnitudes.end(), [&](auto m) { return m > most; }));
  if (above >= k) most = std::numeric_limits<Magnitude<T>>::max(), above = 0;
  scratch.values.clear();
  for (const auto m : magnitudes)
    if (m <= most) scratch.values.push_back(m);
  const Magnitude<T> threshold = kth_largest(scratch.values, k - above);
  std::uint32_t ties = k;  // that are kept
  for (const auto m : magnitudes) ties -= m > threshold;
  for (std::uint32_t j = 0; j < found.size; ++j) {
    const bool kept = magnitudes[j] > threshold || (magnitudes[j] == threshold && ties > 0 && ties-- > 0);
    if (kept) *indices++ = found.index[j];
  }
  return threshold;
}

/// Keeps all candidates, which are fewer than k, and fills up with the first coordinates of magnitude `tie`. False:
/// there are not enough of those.
template <class T>
bool keep_all(Scratch<T>& scratch, const T* a, const T* b, std::uint32_t dim, Magnitude<T> tie, std::uint32_t k,
              std::uint32_t* indices) {
  const auto& found = scratch.candidates;
  scratch.ties.clear();
  for (std::uint32_t i = 0; i < dim && scratch.ties.size() + found.size < k; ++i)
    if (magnitude_bits(a, b, i) == tie) scratch.ties.push_back(i);
  if (scratch.ties.size() + found.size < k) return false;
  std::merge(found.index.get(), found.index.get() + found.size, scratch.ties.begin(), scratch.ties.end(), indices);
  return true;
}

/// The last threshold, lowered by about a tenth: vectors of one place resemble those before.
template <class M>
M lowered(std::uint64_t last) {
  constexpr M tenth = M{1} << (sizeof(M) == 4 ? 20 : 49);  // an eighth of what doubles a number
  const M threshold = static_cast<M>(last);
  return threshold > tenth ? threshold - tenth : 0;
}

/// A pass collects what is above a bound that the k-th largest probably reaches; ties with the bound, which may be
/// almost all there is, are looked for only if they are needed.
template <class T>
void select(const T* a, const T* b, std::uint32_t dim, std::uint32_t k, std::uint32_t* indices, std::uint64_t* last) {
  using M = Magnitude<T>;
  constexpr M top = std::numeric_limits<M>::max();
  if (k == dim) return std::iota(indices, indices + k, 0U);
  if (k == 0) return;
  thread_local Scratch<T> scratch;
  std::uint64_t ignored = 0;
  std::uint64_t& memory = last == nullptr ? ignored : *last;
  const auto collect_above = [&](M bound) {
    scratch.candidates.begin(dim);
    if (bound < top) collect(a, b, dim, bound, scratch.candidates);
    return scratch.candidates.size >= k;
  };
  const auto keep = [&](M most) { memory = static_cast<std::uint64_t>(keep_largest(scratch, most, k, indices)); };
  if (memory != 0 && collect_above(lowered<M>(memory))) return keep(top);
  for (Bracket<M> bracket = guess(a, b, dim, k, scratch.values);;
       bracket.least = 0) {  // which every coordinate reaches
    if (collect_above(bracket.least)) return keep(bracket.most);
    memory = static_cast<std::uint64_t>(bracket.least);
    if (keep_all(scratch, a, b, dim, bracket.least, k, indices)) return;
  }
}

}  // namespace

void select_largest(const float* a, const float* b, std::uint32_t dim, std::uint32_t k, std::uint32_t* indices,
                    std::uint64_t* last) {
  select(a, b, dim, k, indices, last);
}
void select_largest(const double* a, const double* b, std::uint32_t dim, std::uint32_t k, std::uint32_t* indices,
                    std::uint64_t* last) {
  select(a, b, dim, k, indices, last);
}

}  // namespace threepc::kernels
