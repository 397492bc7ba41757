#include "sweep/cell_processes.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "child_process.hpp"
#include "failure.hpp"

namespace threepc {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct CellProcesses::Child {
  std::size_t cell;
  bp::child process;
  std::string errors;  // the file that holds its stderr
  Clock::time_point started = Clock::now();
  bool asked_to_stop = false, killed = false, gone = false;
};

namespace {

constexpr auto tick = std::chrono::milliseconds(5);
constexpr auto moment = std::chrono::milliseconds(100);
constexpr auto grace = std::chrono::seconds(5);

/// In the child, before exec: a process group of its own, because Ctrl+C on the terminal is for the sweep alone to
/// pass on; and its end when the sweep ends. If that happened before prctl, nobody would tell it: so look once more.
struct OwnGroup : bp::extend::handler {
  pid_t parent = getpid();
  template <class Executor>
  void on_exec_setup(Executor&) const {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(static_cast<int>(Exit::peer));
  }
};

/// The last few kilobytes, without the line's end.
std::string tail(const std::string& file) {
  std::ostringstream all;
  all << std::ifstream(file, std::ios::binary).rdbuf();
  std::string text = all.str();
  constexpr std::size_t kept = 8192;
  if (text.size() > kept) text.erase(0, text.size() - kept);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

CellProcesses::CellProcesses(double timeout) : timeout_(timeout) {}

CellProcesses::~CellProcesses() {
  for (const auto& child : children_) kill(child->process.id(), SIGTERM);
  const auto until = Clock::now() + grace;
  while (running() > 0 && Clock::now() < until) ended();
  for (const auto& child : children_) kill(-child->process.id(), SIGKILL);
  while (running() > 0) ended();
}

void CellProcesses::start(std::size_t cell, const std::string& folder, bool goes_on) {
  auto child = std::make_unique<Child>();
  child->cell = cell;
  child->errors = folder + "/stderr.txt";
  const std::vector<std::string> arguments = {
      "run", folder + "/config.toml", "--out", folder, "--quiet", "--alone", goes_on ? "--resume-or-start" : "--force"};
  child->process = bp::child(bp::exe = fs::read_symlink("/proc/self/exe").string(), bp::args = arguments,
                             bp::std_in<bp::null, bp::std_out> bp::null, bp::std_err > child->errors, OwnGroup{});
  children_.push_back(std::move(child));
}

std::size_t CellProcesses::running() const { return children_.size(); }

std::vector<CellEnd> CellProcesses::ended() {
  std::vector<CellEnd> out;
  for (const auto until = Clock::now() + moment; out.empty() && running() > 0 && Clock::now() < until;) {
    for (const auto& child : children_) {
      stop_late(*child);
      int status = 0;
      if (waitpid(child->process.id(), &status, WNOHANG) != child->process.id()) continue;
      child->process.detach();  // reaped here, because Boost.Process keeps no signal
      child->gone = true;
      const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      out.push_back({child->cell, code, child->asked_to_stop, tail(child->errors)});
      fs::remove(child->errors);
    }
    std::erase_if(children_, [](const auto& child) { return child->gone; });
    if (out.empty()) std::this_thread::sleep_for(tick);
  }
  return out;
}

void CellProcesses::stop_late(Child& child) const {
  const double seconds = seconds_since(child.started);
  if (timeout_ == 0 || seconds < timeout_) return;
  if (!child.asked_to_stop) kill(child.process.id(), SIGTERM);
  child.asked_to_stop = true;
  if (seconds < timeout_ + std::chrono::duration<double>(grace).count() || child.killed) return;
  kill(-child.process.id(), SIGKILL);
  child.killed = true;
}

}  // namespace threepc
