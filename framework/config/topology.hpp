// [topology]: a run of peers on a graph, and what does not go with it.
#pragma once

#include "config/resolve.hpp"
#include "config/run_config.hpp"
#include "config/section.hpp"

namespace threepc {

/// Reads [topology] and checks it against the rest of the configuration, which has been read. Throws Failure.
void read_topology(Section& root, RunConfig& config, const ResolveContext& context);

}  // namespace threepc
