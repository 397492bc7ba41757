// When a run is over.
#pragma once

#include "config/run_config.hpp"
#include "record/metrics.hpp"

namespace threepc {

/// Which of [run.stop] and [run] rounds ends the run at this line, as summary.json names it; nullptr: it goes on.
const char* reason_to_stop(const RunConfig& config, const Metrics& metrics);

}  // namespace threepc
