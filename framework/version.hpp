#pragma once

namespace threepc {

/// "0.1.0", from the one place that has it: project() in CMakeLists.txt.
const char* version();

}  // namespace threepc
