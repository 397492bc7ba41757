// The workers of `threepc run`: threads or processes, never left behind.
#pragma once

#include <memory>
#include <string>

#include "config/run_config.hpp"
#include "failure.hpp"

namespace threepc {

class LocalWorkers {
 public:
  virtual ~LocalWorkers() = default;
  /// Called often while the server waits. A worker that ended in a way that it could not tell the server itself
  /// (killed, or failed before it joined) is started again if the run can take it in and [faults] restarts allows; if
  /// the run cannot, it is thrown as Failure.
  virtual void watch(bool takes_in) = 0;
  /// What else is known about a worker's end, to follow a message about a lost connection; "" if nothing.
  virtual std::string post_mortem() = 0;
  /// The run is over: waits for the workers to end, and ends those that do not.
  virtual void finish() = 0;
};

/// n workers over config.threads threads of this process.
std::unique_ptr<LocalWorkers> start_worker_threads(const RunConfig& config, const std::string& address);

/// n processes `threepc work`. They die with this process, however it ends.
std::unique_ptr<LocalWorkers> start_worker_processes(const RunConfig& config, const std::string& address);

}  // namespace threepc
