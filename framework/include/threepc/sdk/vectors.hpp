// Vectors as plugins see them: the difference of two, and the sum that a payload is decoded into.
#pragma once

#include <threepc/abi.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <threepc/sdk/error.hpp>

namespace tpc {

/// The vector a - b, not materialised, so that a fused compressor reads each input once.
template <class T>
class Difference {
 public:
  Difference(const T* a, const T* b, std::size_t size) : a_(a), b_(b), size_(size) {}
  std::size_t size() const { return size_; }
  const T* minuend() const { return a_; }
  const T* subtrahend() const { return b_; }  // nullptr: zero
  /// Coordinates begin, begin + 1, ..., begin + size - 1.
  Difference part(std::size_t begin, std::size_t size) const {
    return {a_ + begin, b_ == nullptr ? nullptr : b_ + begin, size};
  }
  T operator[](std::size_t i) const { return b_ == nullptr ? a_[i] : a_[i] - b_[i]; }

  void copy_to(std::span<T> out) const {
    if (b_ == nullptr)
      std::copy_n(a_, size_, out.begin());
    else
      for (std::size_t i = 0; i < size_; ++i) out[i] = a_[i] - b_[i];
  }

 private:
  const T* a_;
  const T* b_;  // nullptr: zero
  std::size_t size_;
};

namespace detail {

/// Out of line: text in the loops that add would cost them their registers.
[[noreturn, gnu::noinline, gnu::cold]] inline void refuse_index(std::size_t i, std::uint32_t dim) {
  throw Corrupt(text("index ", i, " is outside a vector of ", dim, " values"));
}

}  // namespace detail

/// Where decoded values are added. Exact: error[i] keeps what rounding sum[i] lost (see tpc_sum).
template <class S, bool Exact>
class Sum {
 public:
  explicit Sum(const tpc_sum& raw) : sum_(static_cast<S*>(raw.sum)), error_(static_cast<S*>(raw.error)), raw_(raw) {}

  std::uint32_t dim() const { return raw_.dim; }

  /// The same sum for values that are to be multiplied by `factor` first; for Child::accumulate.
  tpc_sum scaled(double factor) const {
    tpc_sum out = raw_;
    out.scale *= factor;
    return out;
  }

  /// Coordinate i += scale * value. The product is rounded in the type of the value, so that a worker's f32 sum and the
  /// server's f64 sum add the same number. Throws Corrupt unless i < dim(): an index comes from a payload.
  template <class V>
  void add(std::size_t i, V value) {
    if (i >= raw_.dim) [[unlikely]]
      detail::refuse_index(i, raw_.dim);
    add_within(i, value);
  }

  /// Coordinates begin, begin + 1, ... += scale * value(0), value(1), ..., value(count - 1); checked once, so that the
  /// loop is as fast as one that is not. Throws Corrupt unless all of them are below dim().
  template <class Value>
  void add_run(std::size_t begin, std::size_t count, Value value) {
    if (count > raw_.dim || begin > raw_.dim - count) detail::refuse_index(begin + count - 1, raw_.dim);
    for (std::size_t i = 0; i < count; ++i) add_within(begin + i, value(i));
  }

 private:
  template <class V>
  void add_within(std::size_t i, V value) {
    const S term = static_cast<S>(static_cast<V>(raw_.scale) * value);
    if constexpr (!Exact) {
      sum_[i] += term;
    } else {
      // Knuth's two-sum, then one renormalisation, so that sum_[i] stays the rounded total.
      const S total = sum_[i] + term;
      const S back = total - sum_[i];
      const S lost = (sum_[i] - (total - back)) + (term - back) + error_[i];
      const S rounded = total + lost;
      error_[i] = lost - (rounded - total);
      sum_[i] = rounded;
    }
  }

  S* sum_;
  S* error_;
  tpc_sum raw_;
};

namespace detail {

/// Two doubles in one register of the baseline x86-64 and AArch64 instruction sets. Spelled out because g++ 12
/// keeps an array of partial sums in memory, which makes the loop below four times slower.
using DoublePair __attribute__((vector_size(16))) = double;

/// sum term(i) over [0, size) in eight interleaved partial sums, always combined in the same order: fast and
/// yet the same bits everywhere.
template <class Term>
double lane_sum(std::size_t size, Term term) {
  DoublePair p0{}, p1{}, p2{}, p3{};
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    p0 += DoublePair{term(i), term(i + 1)};
    p1 += DoublePair{term(i + 2), term(i + 3)};
    p2 += DoublePair{term(i + 4), term(i + 5)};
    p3 += DoublePair{term(i + 6), term(i + 7)};
  }
  std::array<double, 8> partial = {p0[0], p0[1], p1[0], p1[1], p2[0], p2[1], p3[0], p3[1]};
  for (std::size_t lane = 0; i < size; ++i, ++lane) partial[lane] += term(i);
  return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
         ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

}  // namespace detail

}  // namespace tpc
