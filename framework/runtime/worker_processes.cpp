#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "child_process.hpp"
#include "config/handover.hpp"
#include "plugin/calls.hpp"
#include "plugin/crash.hpp"
#include "record/descriptor.hpp"
#include "record/log.hpp"
#include "runtime/launcher.hpp"

namespace threepc {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto tick = std::chrono::milliseconds(5);
constexpr auto grace = std::chrono::seconds(2);

struct Process {
  std::uint32_t rank;
  bp::pipe errors;  // its stderr
  bp::child child;
  std::string text;  // what came out of it, the last few kilobytes
  bool gone = false;
  int status = 0;  // as waitpid gives it
  std::uint32_t restarts = 0;
  bool given_up = false;
  bool crash_is_noted = false;
  std::string long_call;  // of a plugin that has not come back
};

/// Each worker costs the server a pipe and, over most transports, a connection. Found out one by one, the missing ones
/// would be workers that do not join.
void require_open_files(std::uint32_t workers) {
  constexpr rlim_t own = 16;
  const rlim_t needed = own + rlim_t{2} * workers;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= needed) return;
  throw Failure(Exit::unexpected, std::to_string(workers) + " worker processes need some " + std::to_string(needed) +
                                      " open files, and the limit is " + std::to_string(limit.rlim_max) +
                                      "; raise it (ulimit -n), or make them threads: --set transport.plugin=inproc");
}

/// In the child, before exec. It dies with its parent; Ctrl+C reaches the whole terminal, but only the server
/// shall act on it. If the parent died before prctl, nobody would tell us: so look once more.
struct DieWithParent : bp::extend::handler {
  pid_t parent = getpid();
  template <class Executor>
  void on_exec_setup(Executor&) const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    if (getppid() != parent) _exit(static_cast<int>(Exit::peer));
  }
};

/// In the child, before exec: it inherits this descriptor.
struct Inherit : bp::extend::handler {
  explicit Inherit(int number) : descriptor(number) {}
  int descriptor;
  template <class Executor>
  void on_exec_setup(Executor&) const {
    fcntl(descriptor, F_SETFD, 0);
  }
};

/// A file without a name, which nobody but this process and those that it starts can read or change.
Descriptor nameless_file(const std::string& text) {
  Descriptor file(memfd_create("threepc-configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Failure(Exit::unexpected,
                  std::string("the workers' configuration cannot be handed over: ") + std::strerror(errno));
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  return file;
}

class WorkerProcesses final : public LocalWorkers {
 public:
  WorkerProcesses(const RunConfig& config, const std::string& address)
      : config_(&config),
        address_(address),
        program_(std::filesystem::read_symlink("/proc/self/exe").string()),
        handed_over_(nameless_file(hand_over(config))) {
    require_open_files(config.workers);
    for (std::uint32_t rank = 0; rank < config.workers; ++rank) processes_.push_back(start(rank));
  }

  ~WorkerProcesses() override {
    for (const auto& process : processes_)
      if (!process->gone) kill(process->child.id(), SIGKILL);
    wait_all(Clock::now() + grace);
  }

  void watch(bool takes_in) override {
    poll();
    for (auto& process : processes_) {
      note_long_call(*process);
      if (!process->gone || process->given_up) continue;
      takes_in ? replace(process) : report(*process);
    }
  }

  std::optional<Failure> post_mortem() override {
    wait_for_cause(Clock::now() + std::chrono::milliseconds(500));
    if (const Process* process = first(crashed)) return Failure(Exit::plugin, end_of(*process));
    if (const Process* process = first(killed)) return Failure(Exit::peer, end_of(*process));
    if (const Process* process = first(stuck)) return Failure(Exit::plugin, long_call_in(process->text));
    if (const Process* process = first(failed)) return Failure(Exit::peer, end_of(*process));
    return std::nullopt;
  }

  void finish() override {
    wait_all(Clock::now() + grace);
    for (const auto& process : processes_)
      if (process->gone && !process->given_up) note_crash(*process);
  }

 private:
  /// The user's file is named for people and messages; what it says now is nobody's business any more.
  std::vector<std::string> arguments(std::uint32_t rank) const {
    return {"work",   config_->file,        "--descriptor", std::to_string(handed_over_.get()),
            "--rank", std::to_string(rank), "--connect",    address_,
            "--quiet"};
  }

  std::unique_ptr<Process> start(std::uint32_t rank) const {
    auto process = std::make_unique<Process>();
    process->rank = rank;
    process->child =
        bp::child(bp::exe = program_, bp::args = arguments(rank), bp::std_in<bp::null, bp::std_out> bp::null,
                  bp::std_err > process->errors, Inherit(handed_over_.get()), DieWithParent{});
    fcntl(process->errors.native_source(), F_SETFL, O_NONBLOCK);
    return process;
  }

  static void note_long_call(Process& process) {
    const std::string now = long_call_in(process.text);
    if (!now.empty() && now != process.long_call) log_warning(now);
    process.long_call = now;
  }

  /// The same crash in two workers is no accident of one host.
  void note_crash(Process& process) {
    if (!crashed(process) || std::exchange(process.crash_is_noted, true)) return;
    const CrashReport report = crash_report_in(process.text);
    const auto [at, first] = crashes_.emplace(report.cause, process.rank);
    if (first || at->second == process.rank) return;
    throw Failure(Exit::plugin, end_of(process) + "; worker " + std::to_string(at->second) +
                                    " crashed in the same way: report this to the author of the plugin");
  }

  /// Who blames its configuration, data or plugins would do the same again; the server has heard, and goes on by the
  /// policy.
  void replace(std::unique_ptr<Process>& process) {
    process->given_up = left(*process);
    if (process->given_up) return;
    note_crash(*process);
    if (WIFSIGNALED(process->status) || code_of(*process) == Exit::peer) return start_again(process);
    process->given_up = true;
    log_warning(end_of(*process) + "; it is not started again, because that would not help");
  }

  /// A worker that failed has usually told the server, in a message that is on its way.
  void report(Process& process) {
    note_crash(process);
    if (first_end_ == Clock::time_point{}) first_end_ = Clock::now();
    if (WIFSIGNALED(process.status) || Clock::now() - first_end_ > grace)
      throw Failure(code_of(process), end_of(process));
  }

  void start_again(std::unique_ptr<Process>& process) {
    const std::uint32_t restarts = process->restarts + 1, most = config_->faults.restarts;
    process->given_up = restarts > most;
    if (process->given_up && crashed(*process) && nobody_is_left())
      throw Failure(Exit::plugin, end_of(*process) + "; it was started again " + std::to_string(most) +
                                      " times ([faults] restarts), and no worker is left");
    if (process->given_up)
      return log_warning(end_of(*process) + "; it is not started again, [faults] restarts = " + std::to_string(most));
    log_warning(end_of(*process) + "; started again, " + std::to_string(restarts) + " of " + std::to_string(most) +
                " times");
    process = start(process->rank);
    process->restarts = restarts;
  }

  void poll() {
    for (const auto& process : processes_) {
      drain(*process);
      if (process->gone) continue;
      int status = 0;
      if (waitpid(process->child.id(), &status, WNOHANG) != process->child.id()) continue;
      process->gone = true;
      process->status = status;
      process->child.detach();  // reaped here, because Boost.Process keeps no signal
      drain(*process);
    }
  }

  static void drain(Process& process) {
    char chunk[4096];
    for (ssize_t got = 0; (got = read(process.errors.native_source(), chunk, sizeof chunk)) > 0;)
      process.text.append(chunk, static_cast<std::size_t>(got));
    constexpr std::size_t kept = 8192;
    if (process.text.size() > kept) process.text.erase(0, process.text.size() - kept);
  }

  template <class Is>
  const Process* first(Is is) const {
    const auto at = std::find_if(processes_.begin(), processes_.end(), [&](const auto& p) { return is(*p); });
    return at == processes_.end() ? nullptr : at->get();
  }

  bool nobody_is_left() const {
    return std::all_of(processes_.begin(), processes_.end(), [](const auto& p) { return p->gone && p->given_up; });
  }

  bool all_gone() const {
    for (const auto& process : processes_)
      if (!process->gone) return false;
    return true;
  }

  void wait_all(Clock::time_point until) {
    for (poll(); !all_gone() && Clock::now() < until; poll()) std::this_thread::sleep_for(tick);
  }

  /// Asked by SIGTERM, say, it told the server that it leaves for good.
  static bool left(const Process& process) {
    return WIFEXITED(process.status) && WEXITSTATUS(process.status) == static_cast<int>(Exit::interrupted);
  }
  static bool crashed(const Process& process) { return killed(process) && !crash_report_in(process.text).line.empty(); }
  static bool stuck(const Process& process) { return !process.gone && !long_call_in(process.text).empty(); }
  static bool killed(const Process& process) { return process.gone && WIFSIGNALED(process.status); }
  static bool failed(const Process& process) { return process.gone && process.status != 0; }

  /// Until somebody was killed or all have ended. The first to end need not be the cause: the kernel closes the sockets
  /// of a killed process before it can be waited for, and others leave because of that.
  void wait_for_cause(Clock::time_point until) {
    const auto known = [&] {
      return std::any_of(processes_.begin(), processes_.end(), [](auto& p) { return killed(*p); });
    };
    for (poll(); !known() && !all_gone() && Clock::now() < until; poll()) std::this_thread::sleep_for(tick);
  }

  static Exit code_of(const Process& process) {
    if (WIFSIGNALED(process.status)) return crashed(process) ? Exit::plugin : Exit::peer;
    const int code = WEXITSTATUS(process.status);
    return code >= 1 && code <= 6 ? static_cast<Exit>(code) : Exit::peer;
  }

  static std::string end_of(const Process& process) {
    const std::string who = "worker " + std::to_string(process.rank);
    if (crashed(process)) return crash_report_in(process.text).line;
    if (WIFSIGNALED(process.status))
      return who + " was killed by signal " + std::to_string(WTERMSIG(process.status)) + " (" +
             strsignal(WTERMSIG(process.status)) + ")";
    std::string text = process.text;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return who + " exited with code " + std::to_string(WEXITSTATUS(process.status)) + (text.empty() ? "" : ": " + text);
  }

  const RunConfig* config_;
  std::string address_;
  std::string program_;
  Descriptor handed_over_;  // the configuration, as it was when the run began
  std::vector<std::unique_ptr<Process>> processes_;
  Clock::time_point first_end_{};
  std::map<std::string, std::uint32_t> crashes_;  // what crashed, and the worker in which it did first
};

}  // namespace

std::unique_ptr<LocalWorkers> start_worker_processes(const RunConfig& config, const std::string& address) {
  return std::make_unique<WorkerProcesses>(config, address);
}

}  // namespace threepc
