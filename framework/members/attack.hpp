// What a worker says that is made to say something else: [[faults.inject]] of kind "attack".
#pragma once

#include "config/faults.hpp"
#include "plugin/instances.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// In place of the gradient g; noise is drawn from the worker's own stream of the round of `context`.
RawVector attacked(const RawVector& g, const Injection& attack, tpc_context context);

}  // namespace threepc
