// A vector that only ever changes by replayed operations and never drifts (see tpc_sum).
#pragma once

#include <threepc/abi.h>

#include "vector/raw_vector.hpp"

namespace threepc {

/// sum + error, as tpc_sum describes. A worker keeps h this way, the server the sum of all g_i.
class ExactVector {
 public:
  ExactVector(tpc_dtype dtype, std::uint32_t dim) : sum_(dtype, dim), error_(dtype, dim) {}
  void clear() { sum_.clear(), error_.clear(); }
  tpc_sum target() { return {sizeof(tpc_sum), sum_.dtype(), sum_.dim(), 0, sum_.data(), error_.data(), 1.0}; }
  const RawVector& sum() const { return sum_; }
  const RawVector& error() const { return error_; }
  RawVector& sum() { return sum_; }
  RawVector& error() { return error_; }

 private:
  RawVector sum_;
  RawVector error_;
};

}  // namespace threepc
