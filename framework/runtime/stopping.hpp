// When a run is over.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"
#include "record/metrics.hpp"

namespace threepc {

/// Which of [run.stop] and [run] rounds ends the run after `round`, as summary.json names it; nullptr: it goes on.
/// `last` is the last line of its metrics.
const char* reason_to_stop(const RunConfig& config, const Metrics& last, std::uint64_t round);

}  // namespace threepc
