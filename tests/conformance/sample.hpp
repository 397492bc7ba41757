// The suites' name for the host's Sample.
#pragma once

#include "method/sample.hpp"

namespace threepc::conformance {

using threepc::Sample;

}  // namespace threepc::conformance
