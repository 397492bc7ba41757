// A vector of a dtype chosen at run time, as it crosses the boundary.
#pragma once

#include <threepc/abi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace threepc {

inline std::size_t size_of(tpc_dtype dtype) { return dtype == TPC_F32 ? sizeof(float) : sizeof(double); }

/// dim values of a dtype chosen at run time, zeros at first.
class RawVector {
 public:
  RawVector() = default;
  RawVector(tpc_dtype dtype, std::uint32_t dim) : dtype_(dtype), dim_(dim), words_((dim * size_of(dtype) + 7) / 8) {}
  void* data() { return words_.data(); }
  const void* data() const { return words_.data(); }
  const std::uint8_t* bytes() const { return reinterpret_cast<const std::uint8_t*>(words_.data()); }
  std::size_t size_bytes() const { return dim_ * size_of(dtype_); }
  std::uint32_t dim() const { return dim_; }
  tpc_dtype dtype() const { return dtype_; }
  void clear() { std::fill(words_.begin(), words_.end(), 0.0); }

 private:
  tpc_dtype dtype_ = TPC_F64;
  std::uint32_t dim_ = 0;
  std::vector<double> words_;  // double for the alignment
};

/// Up to here numbers are moderate: a method that diverges passes through larger ones before it reaches infinity.
inline double moderate_magnitude(tpc_dtype dtype) { return dtype == TPC_F32 ? 1e15 : 1e100; }

}  // namespace threepc
