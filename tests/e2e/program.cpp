#include "program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

namespace threepc::test {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto tick = std::chrono::milliseconds(5);

std::string temporary_file() {
  std::string name = (fs::temp_directory_path() / "threepc-test-XXXXXX").string();
  const int file = mkstemp(name.data());
  if (file >= 0) close(file);
  return name;
}

void redirect(const std::string& file, int to) {
  const int opened = open(file.c_str(), O_WRONLY | O_APPEND);
  dup2(opened, to);
  close(opened);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const std::string& program)
    : out_file_(temporary_file()), err_file_(temporary_file()) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  id_ = fork();
  if (id_ != 0) return;
  setpgid(0, 0);
  redirect("/dev/null", STDIN_FILENO);
  redirect(out_file_, STDOUT_FILENO);
  redirect(err_file_, STDERR_FILENO);
  if (!arguments.empty() && (arguments.front() == "serve" || arguments.front() == "work"))
    setenv("THREEPC_TOKEN", join_token, 0);
  execv(program.c_str(), argv.data());
  _exit(127);
}

Process::~Process() {
  if (!waited_) {
    kill(-id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }
  fs::remove(out_file_);
  fs::remove(err_file_);
}

void Process::signal(int number) const { kill(id_, number); }

std::string Process::wait_for_stderr(const std::string& text, int seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  std::string seen;
  while (Clock::now() < deadline) {
    seen = read_file(err_file_);
    if (seen.find(text) != std::string::npos) return seen;
    std::this_thread::sleep_for(tick);
  }
  ADD_FAILURE() << "stderr never said '" << text << "':\n" << seen;
  return seen;
}

Result Process::wait(int seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(id_, &status, WNOHANG)) == 0 && Clock::now() < deadline) std::this_thread::sleep_for(tick);
  if (ended == 0) {
    ADD_FAILURE() << "the program did not end within " << seconds << " s";
    kill(-id_, SIGKILL);
    waitpid(id_, &status, 0);
  }
  waited_ = true;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out_file_), read_file(err_file_)};
}

Result run_program(const std::vector<std::string>& arguments) { return Process(arguments).wait(); }

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "threepc-test-XXXXXX").string();
  root_ = mkdtemp(name.data());
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  return path(name);
}

std::string read_file(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

bool wait_for_lines(const std::string& run_folder, std::size_t lines) {
  for (int i = 0; i < 6000; ++i) {
    const std::string text = read_file(run_folder + "/metrics.jsonl");
    if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

nlohmann::json read_summary(const std::string& run_folder) {
  return nlohmann::json::parse(read_file(run_folder + "/summary.json"));
}

std::vector<nlohmann::json> read_metrics(const std::string& run_folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(read_file(run_folder + "/metrics.jsonl"));
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> out;
  std::istringstream in(read_file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children"));
  for (pid_t child = 0; in >> child;) out.push_back(child);
  return out;
}

bool gone_within(const std::vector<pid_t>& processes, double seconds) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  const auto gone = [](pid_t process) {
    const std::string state = read_file("/proc/" + std::to_string(process) + "/stat");
    return state.empty() || state.find(") Z") != std::string::npos;  // a zombie has ended
  };
  while (!std::all_of(processes.begin(), processes.end(), gone)) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(tick);
  }
  return true;
}

std::string small_config(int workers, const std::string& transport, int rounds) {
  std::ostringstream text;
  text << "[run]\nevaluate_every = 1\nrounds = " << rounds << "\n[workers]\ncount = " << workers
       << "\n[problem]\nplugin = \"quadratic\"\ndim = 50\ns = 0.5\n"
          "[mechanism]\nplugin = \"ef21\"\n[mechanism.compressor]\nplugin = \"topk\"\nk = 5\n"
          "[optimizer]\nplugin = \"gd\"\nstepsize = \"theory\"\n"
          "[transport]\nplugin = \""
       << transport << "\"\ntimeout = 20\n";
  return text.str();
}

}  // namespace threepc::test
