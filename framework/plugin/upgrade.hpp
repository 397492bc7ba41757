// Plugins that were built for an earlier minor version of the boundary.
#pragma once

#include <threepc/abi.h>

namespace threepc {

/// A checked descriptor in the full size of this version, its function table likewise: what the plugin does not know is
/// zero, which abi.h defines the meaning of. Nobody else looks at a struct_size of a plugin. It lives as long as the
/// process, and is the same for the same plugin. Any thread.
const tpc_descriptor* upgraded(const tpc_descriptor& descriptor);

}  // namespace threepc
