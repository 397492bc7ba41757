// [aggregation]: what the server makes of the workers' g_i, and what does not go with it.
#pragma once

#include "config/resolve.hpp"
#include "config/run_config.hpp"
#include "config/section.hpp"

namespace threepc {

/// Reads [aggregation] and checks it against the rest of the configuration, which has been read. Throws Failure.
void read_aggregation(Section& root, RunConfig& config, const ResolveContext& context);

}  // namespace threepc
