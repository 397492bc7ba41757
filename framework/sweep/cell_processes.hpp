// Cells as child processes, `threepc run CELL/config.toml`: some at a time, each with a time limit.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace threepc {

/// How a child ended.
struct CellEnd {
  std::size_t cell;  // the number that start() was given
  int exit_code;     // 128 + signal when it was killed
  bool timed_out;    // it was ended because its time was over
  std::string text;  // its stderr
};

class CellProcesses {
 public:
  /// `timeout` in seconds for each, 0: none.
  explicit CellProcesses(double timeout);
  /// Ends what still runs: SIGTERM, so that a run writes what it has, then SIGKILL.
  ~CellProcesses();

  /// Runs the configuration `folder`/config.toml in `folder`: from its last checkpoint if it `goes_on` and there is a
  /// usable one, otherwise anew. Children die with this process, however it ends.
  void start(std::size_t cell, const std::string& folder, bool goes_on);
  std::size_t running() const;
  /// Those that ended since the last call; waits at most a moment for one.
  std::vector<CellEnd> ended();

 private:
  struct Child;
  void stop_late(Child& child) const;
  std::vector<std::unique_ptr<Child>> children_;
  double timeout_;
};

}  // namespace threepc
