// The stream of random numbers behind generated graphs and coins: a few lines in any language, so that another program
// can draw the same graph. splitmix64 is Vigna's (public domain); not for anything that has to be unpredictable.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace threepc::graph {

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// In [0, bound): the upper half of next() times bound.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(Wide{next()} * bound >> 64);
  }

  /// `count` different numbers of 0 to `size` - 1, in random order: the first steps of Fisher and Yates.
  std::vector<std::uint64_t> subset(std::uint64_t size, std::uint64_t count) {
    std::vector<std::uint64_t> all(size);
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    for (std::uint64_t j = 0; j < count; ++j) std::swap(all[j], all[j + below(size - j)]);
    all.resize(count);
    return all;
  }

  /// All of 0 to `size` - 1; the last one is not drawn.
  std::vector<std::uint64_t> permutation(std::uint64_t size) {
    std::vector<std::uint64_t> all(size);
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    for (std::uint64_t j = 0; j + 1 < size; ++j) std::swap(all[j], all[j + below(size - j)]);
    return all;
  }

 private:
  std::uint64_t state_;
};

}  // namespace threepc::graph
