// Ctrl+C and SIGTERM: asked for once, looked at often.
#pragma once

namespace threepc {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP asks the run to stop; a second one ends the process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static bool requested();
};

}  // namespace threepc
