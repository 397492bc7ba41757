// The workers of `threepc run`: threads or processes, never left behind.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/run_config.hpp"
#include "failure.hpp"

namespace threepc {

class LocalWorkers {
 public:
  virtual ~LocalWorkers() = default;
  /// Called often while the server waits. A worker that ended in a way that it could not tell the server itself
  /// (killed, or failed before it joined) is started again if the run can take it in and [faults] restarts allows; one
  /// that blames its configuration, data or plugins is not, and the run goes on without it. If the run cannot take
  /// anybody in, it is thrown as Failure. So is a plugin that crashed in the same call in two workers, or in the
  /// last worker once more than restarts allows, and one that does not come back from a call within the time-out.
  virtual void watch(bool takes_in) = 0;
  /// What else is known about a worker's end, to follow a message about a lost connection, and the code that it gives
  /// the run: Exit::plugin where a plugin crashed or does not come back.
  virtual std::optional<Failure> post_mortem() = 0;
  /// The run is over: waits for the workers to end, and ends those that do not.
  virtual void finish() = 0;
};

/// n workers over config.threads threads of this process.
std::unique_ptr<LocalWorkers> start_worker_threads(const RunConfig& config, const std::string& address);

/// n processes `threepc work`. They die with this process, however it ends.
std::unique_ptr<LocalWorkers> start_worker_processes(const RunConfig& config, const std::string& address);

}  // namespace threepc
