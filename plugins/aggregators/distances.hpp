// Krum's choice, which three rules share.
//
// Blanchard, El Mhamdi, Guerraoui, Stainer 2017 (arXiv 1703.02757): with at most f of n rows made by an adversary, the
// score of a row is the sum of its n - f - 2 smallest squared distances to others. n >= 2 f + 3.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

/// ||row_i - row_j||^2 of all pairs; one pass.
class Distances {
 public:
  void begin(std::uint32_t n) { n_ = n, known_ = false; }
  std::uint64_t wants() const { return known_ ? 0 : std::uint64_t{n_} * (n_ - 1) / 2; }
  /// Where the pair's distance is, j < i.
  static std::size_t at(std::size_t i, std::size_t j) { return i * (i - 1) / 2 + j; }

  void partial(const tpc::Rows& rows, std::span<double> scalars) const {
    for (std::size_t i = 1; i < n_; ++i)
      for (std::size_t j = 0; j < i; ++j)
        for (std::size_t k = 0; k < rows.coordinates(); ++k)
          scalars[at(i, j)] += (rows[i][k] - rows[j][k]) * (rows[i][k] - rows[j][k]);
  }
  void take(std::span<const double> scalars) {
    squares_.assign(scalars.begin(), scalars.end());
    known_ = true;
  }
  double of(std::size_t i, std::size_t j) const { return i > j ? squares_[at(i, j)] : squares_[at(j, i)]; }

  /// Scores among the rows `left`, in their order.
  std::vector<double> scores(std::span<const std::uint32_t> left, std::uint32_t f) const {
    const std::size_t near = left.size() > f + 2 ? left.size() - f - 2 : 1;
    std::vector<double> out;
    for (const std::uint32_t i : left) out.push_back(score(i, left, near));
    return out;
  }

 private:
  double score(std::uint32_t i, std::span<const std::uint32_t> left, std::size_t near) const {
    std::vector<double> all;
    for (const std::uint32_t j : left)
      if (j != i) all.push_back(of(i, j));
    std::sort(all.begin(), all.end());
    all.resize(std::min(near, all.size()));
    return std::accumulate(all.begin(), all.end(), 0.0);
  }

  std::uint32_t n_ = 0;
  bool known_ = false;
  std::vector<double> squares_;
};

inline std::vector<std::uint32_t> all_rows(std::uint32_t n) {
  std::vector<std::uint32_t> out(n);
  std::iota(out.begin(), out.end(), 0U);
  return out;
}

/// Throws unless n >= factor f + more.
inline void require_rows(const char* rule, std::uint32_t n, std::int64_t f, std::uint32_t factor, std::uint32_t more) {
  const std::int64_t least = factor * f + more;
  if (n < least)
    throw tpc::BadParameter("byzantine", tpc::text(rule, " against ", f, " byzantine workers needs n >= ", factor,
                                                   " x ", f, " + ", more, " = ", least, " workers, and there are ", n));
}

struct ByzantineOptions {
  std::int64_t byzantine = 0;
};

/// For an options struct that is, or derives from, ByzantineOptions.
template <class Options>
constexpr auto byzantine_param() {
  return tpc::param<&ByzantineOptions::byzantine, Options>("byzantine", "f, how many workers may say anything",
                                                           {.minimum = 0, .maximum = 4294967295.0, .required = true});
}
