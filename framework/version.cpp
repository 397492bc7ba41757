#include "version.hpp"

namespace threepc {

const char* version() { return THREEPC_VERSION; }

}  // namespace threepc
