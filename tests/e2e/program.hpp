// Runs the built program as a user would, and looks at what it leaves behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace threepc::test {

/// What servers and workers prove to each other that they have, where a test says nothing else.
inline constexpr char join_token[] = "the join token of the tests";

struct Result {
  int exit_code = -1;  // 128 + signal when it was killed
  std::string out, err;
};

/// A program in progress. Killed, with its process group, if the test forgets it.
class Process {
 public:
  /// The threepc program with these arguments, in a process group of its own. `serve` and `work` have a join token in
  /// their environment, as in a shell where one was exported; `run` draws its own.
  explicit Process(const std::vector<std::string>& arguments, const std::string& program = THREEPC_TEST_PROGRAM);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return id_; }
  void signal(int number) const;
  /// Waits until stderr contains `text`; returns all of stderr so far. Fails the test after `seconds`.
  std::string wait_for_stderr(const std::string& text, int seconds = 20);
  /// Waits for the end, at most so many seconds; longer fails the test.
  Result wait(int seconds = 60);

 private:
  pid_t id_ = -1;
  bool waited_ = false;
  std::string out_file_, err_file_;
};

Result run_program(const std::vector<std::string>& arguments);

/// A folder of this test's own, removed afterwards.
class Folder {
 public:
  Folder();
  ~Folder();
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path root_;
};

std::string read_file(const std::string& file);
/// Whether metrics.jsonl has so many lines, or has them within a minute.
bool wait_for_lines(const std::string& run_folder, std::size_t lines);
nlohmann::json read_summary(const std::string& run_folder);
std::vector<nlohmann::json> read_metrics(const std::string& run_folder);

/// Ids of the processes whose parent is `parent`.
std::vector<pid_t> children_of(pid_t parent);
/// Whether all of them are gone within `seconds`.
bool gone_within(const std::vector<pid_t>& processes, double seconds);

/// The text of a small run: quadratic, d = 50, EF21 with Top-5, `workers` workers over `transport`.
std::string small_config(int workers, const std::string& transport, int rounds);

}  // namespace threepc::test
