// One line on stderr when a signal ends the process inside a plugin, or after one has damaged the memory.
#pragma once

#include <string>
#include <string_view>

namespace threepc {

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT first say which plugin call was under way, then do what they
/// do without this. Signals that somebody else handles, a sanitizer say, stay theirs. Once, before other threads.
void install_crash_reports();

/// A crash inside a plugin call ends the process with Exit::plugin instead of the signal: for a process that somebody
/// waits for as a run, not as one of its workers.
void end_crashes_with_a_code();

/// In a child process that is to die in silence, of the signal itself.
void remove_crash_reports();

/// A crash report in what a process wrote.
struct CrashReport {
  std::string line;   // "worker 3, round 17: compressor 'x' crashed in encode: signal 11 (...); its file is FILE"
  std::string cause;  // the line without worker and round: the same for the same defect in another worker
};

/// The last report in `text`; both "" if there is none.
CrashReport crash_report_in(std::string_view text);

/// A stack for signal handlers, of the calling thread while the object lives: the other one may have overflowed.
class SignalStack {
 public:
  SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack();

 private:
  void* memory_ = nullptr;  // null: the thread had one
};

}  // namespace threepc
