// Ctrl+C and SIGTERM: asked for once, looked at often.
#pragma once

namespace threepc {

/// Thrown by a Channel's watch when the user asked this process to stop.
struct Interrupted {};

/// While it lives, the first SIGINT, SIGTERM or SIGHUP asks the run to stop; a second one ends the process. A signal
/// that this process was started to ignore stays ignored.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static bool requested();
};

}  // namespace threepc
