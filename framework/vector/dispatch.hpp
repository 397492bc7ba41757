// The one place that knows which type a dtype is.
#pragma once

#include <threepc/abi.h>

namespace threepc {

/// What body.operator()<T>() returns, T the type of `dtype`.
template <class Body>
decltype(auto) with_type_of(tpc_dtype dtype, Body&& body) {
  if (dtype == TPC_F32) return body.template operator()<float>();
  return body.template operator()<double>();
}

}  // namespace threepc
