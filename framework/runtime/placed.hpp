// Runs whose members something else has started, as mpirun starts processes: the transport says which member this
// process is.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"
#include "failure.hpp"
#include "plugin/instances.hpp"

namespace threepc {

/// Throws Failure(Exit::usage) unless the configuration has a worker for every member but the server.
void require_fitting(const RunConfig& config, const Place& place);

/// Throws Failure(Exit::usage) if the members of this transport are not for `threepc serve` and `work` to start.
void refuse_placed(const RunConfig& config, const char* command);

/// Throws Failure(Exit::usage) in one of several processes that mpirun or srun started together, if the transport is
/// not theirs: each would do the whole run, in the same folder.
void refuse_forgotten_job(const RunConfig& config);

/// Works until the run is over, and prints nothing: the server speaks for all. A failure of which the server has heard
/// is an exit code only; any other is thrown.
Exit work_placed(const RunConfig& config, std::uint32_t rank);

}  // namespace threepc
