#include "plugin/crash.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "failure.hpp"
#include "plugin/calls.hpp"
#include "plugin/kinds.hpp"
#include "plugin/spec.hpp"

namespace threepc {
namespace {

constexpr std::array<int, 5> signals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::string_view lead = "threepc: ", crashed = " crashed in ", damaged = "memory was found damaged: ";
constexpr std::size_t stack_bytes = std::size_t{64} << 10;
std::atomic<bool> with_a_code{false};

const char* signal_text(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "Segmentation fault";
    case SIGBUS:
      return "Bus error";
    case SIGFPE:
      return "Floating point exception";
    case SIGILL:
      return "Illegal instruction";
    default:
      return "Aborted";
  }
}

/// Text for write(2), made without allocating; what does not fit is cut off.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const std::size_t taken = std::min(text.size(), text_.size() - size_);
    std::memcpy(text_.data() + size_, text.data(), taken);
    size_ += taken;
    return *this;
  }
  Line& operator<<(std::uint64_t number) {
    char digits[20];
    const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return *this << std::string_view(digits, static_cast<std::size_t>(end - digits));
  }
  void write() const {
    for (std::size_t done = 0; done < size_;) {
      const ssize_t wrote = ::write(STDERR_FILENO, text_.data() + done, size_ - done);
      if (wrote <= 0) return;
      done += static_cast<std::size_t>(wrote);
    }
  }

 private:
  std::array<char, 2048> text_;
  std::size_t size_ = 0;
};

void put_party(Line& line, const PluginCall& call) {
  if (call.worker == TPC_SERVER)
    line << "the server";
  else
    line << "worker " << std::uint64_t{call.worker};
  if (call.round != no_round) line << ", round " << call.round;
  if (call.worker == TPC_SERVER && call.sender != TPC_SERVER)
    line << ", decoding what worker " << std::uint64_t{call.sender} << " sent";
  line << ": ";
}

void put_plugin(Line& line, const tpc_descriptor& plugin) {
  line << kind_name(plugin.kind) << " '" << plugin.id << "'";
}

/// Who writes where it must not is seldom who finds out.
void put_suspects(Line& line, const CallRecord& calls) {
  line << "; memory may have been damaged by a plugin that this thread called before: ";
  const char* separator = "";
  for (std::uint64_t i = 0; i < CallRecord::remembered; ++i) {
    const tpc_descriptor* const plugin = calls.recent(i);
    bool named = plugin == nullptr;
    for (std::uint64_t j = 0; j < i && !named; ++j) named = calls.recent(j) == plugin;
    if (named) continue;
    line << std::exchange(separator, ", ");
    put_plugin(line, *plugin);
  }
}

void report(const CallRecord& calls, int signal) {
  const PluginCall call = calls.call();
  const bool under_way = calls.busy();
  Line line;
  line << lead;
  put_party(line, call);
  if (under_way) {
    put_plugin(line, *call.plugin);
    line << crashed << call.name << ": ";
  } else {
    line << damaged;
  }
  line << "signal " << static_cast<std::uint64_t>(signal) << " (" << signal_text(signal) << ")";
  if (under_way) line << "; its file is " << call.file;
  if (!under_way || signal == SIGABRT) put_suspects(line, calls);
  line << "\n";
  line.write();
}

/// Async-signal-safe. Returning with the default action in place repeats the fault, or lets what was raised come again.
void on_crash(int signal) {
  const CallRecord* const calls = own_calls_if_any();
  if (calls != nullptr && calls->call().plugin != nullptr) {
    report(*calls, signal);
    if (calls->busy() && with_a_code) _exit(static_cast<int>(Exit::plugin));
  }
  std::signal(signal, SIG_DFL);
  raise(signal);
}

bool is_default(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

}  // namespace

void install_crash_reports() {
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (const int signal : signals)
    if (is_default(signal)) sigaction(signal, &action, nullptr);
}

void end_crashes_with_a_code() { with_a_code = true; }

void remove_crash_reports() {
  for (const int signal : signals) std::signal(signal, SIG_DFL);
}

CrashReport crash_report_in(std::string_view text) {
  CrashReport found;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const bool is_one = line.find(crashed) != line.npos || line.find(damaged) != line.npos;
    if (!is_one || !line.starts_with(lead) || line.find(": signal ") == line.npos) continue;
    line.remove_prefix(lead.size());
    const std::size_t colon = line.find(": ");
    found = {std::string(line), std::string(line.substr(colon + 2))};
  }
  return found;
}

SignalStack::SignalStack() {
  stack_t now{};
  if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  void* const memory = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t own{};
  own.ss_sp = memory_ = memory;
  own.ss_size = stack_bytes;
  sigaltstack(&own, nullptr);
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  munmap(memory_, stack_bytes);
}

}  // namespace threepc
