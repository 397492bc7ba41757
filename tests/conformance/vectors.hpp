// Vectors of a dtype chosen at run time, with canaries on both sides, and the families of them that the suites use.
#pragma once

#include <threepc/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "vector/exact_vector.hpp"

namespace threepc::conformance {

/// Values of a dtype between two canaries; intact() tells whether a plugin wrote outside.
class GuardedVector {
 public:
  GuardedVector(tpc_dtype dtype, const std::vector<double>& values)
      : dtype_(dtype), size_(values.size()), bytes_(2 * guard + size_ * size_of(dtype), canary) {
    for (std::size_t i = 0; i < size_; ++i) store(i, values[i]);
  }
  GuardedVector(tpc_dtype dtype, std::size_t size) : GuardedVector(dtype, std::vector<double>(size)) {}

  void* data() { return bytes_.data() + guard; }
  const void* data() const { return bytes_.data() + guard; }

  double operator[](std::size_t i) const { return dtype_ == TPC_F32 ? double{load<float>(i)} : load<double>(i); }

  std::vector<double> values() const {
    std::vector<double> out(size_);
    for (std::size_t i = 0; i < size_; ++i) out[i] = (*this)[i];
    return out;
  }

  bool intact() const {
    const auto is_canary = [](std::uint8_t byte) { return byte == canary; };
    return std::all_of(bytes_.begin(), bytes_.begin() + guard, is_canary) &&
           std::all_of(bytes_.end() - guard, bytes_.end(), is_canary);
  }

  bool operator==(const GuardedVector&) const = default;  // bit for bit

 private:
  static constexpr std::ptrdiff_t guard = 64;
  static constexpr std::uint8_t canary = 0xC5;

  template <class T>
  T load(std::size_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + guard + i * sizeof(T), sizeof(T));
    return value;
  }
  void store(std::size_t i, double value) {
    const auto narrow = static_cast<float>(value);
    if (dtype_ == TPC_F32)
      std::memcpy(bytes_.data() + guard + i * sizeof narrow, &narrow, sizeof narrow);
    else
      std::memcpy(bytes_.data() + guard + i * sizeof value, &value, sizeof value);
  }

  tpc_dtype dtype_;
  std::size_t size_;
  std::vector<std::uint8_t> bytes_;
};

inline double norm_sq(const std::vector<double>& v) {
  double sum = 0;
  for (const double value : v) sum += value * value;
  return sum;
}

inline std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

/// Unit roundoff of a dtype.
inline double epsilon_of(tpc_dtype dtype) { return dtype == TPC_F32 ? 0x1p-24 : 0x1p-53; }

/// Standard normal values, the same for the same seed on every platform.
inline std::vector<double> gaussian(std::uint32_t dim, std::uint32_t seed) {
  std::mt19937 engine(seed);
  const auto uniform = [&] { return (engine() + 0.5) * 0x1p-32; };
  std::vector<double> out(dim);
  for (double& value : out) value = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform());
  return out;
}

inline std::vector<double> from_index(std::uint32_t dim, const std::function<double(std::uint32_t)>& at) {
  std::vector<double> out(dim);
  for (std::uint32_t i = 0; i < dim; ++i) out[i] = at(i);
  return out;
}

/// Vectors on which a compressor's constant is tight, loose, or its arithmetic is strained.
inline std::vector<std::pair<std::string, std::vector<double>>> families(std::uint32_t dim) {
  return {{"gaussian", gaussian(dim, 1)},
          {"flat", from_index(dim, [](auto i) { return i % 2 == 0 ? 3.0 : -3.0; })},
          {"one coordinate", from_index(dim, [&](auto i) { return i == dim / 2 ? -5.0 : 0.0; })},
          {"decaying", from_index(dim, [](auto i) { return std::pow(0.97, std::min(i, 1000u)); })},
          {"tiny", from_index(dim, [](auto i) { return 1e-18 * (1 + i % 7); })},
          {"huge", from_index(dim, [](auto i) { return 1e15 * (1.0 + i % 5); })}};
}

}  // namespace threepc::conformance
