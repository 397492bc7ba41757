// metrics.jsonl, on a disk that may be full for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "record/descriptor.hpp"

namespace threepc {

/// Lines that reach a file whole, in their order. What cannot be written waits in memory and is tried again, at most
/// once a second; the log is told when that begins and when it is over.
class MetricsFile {
 public:
  static constexpr std::size_t most_waiting = std::size_t{64} << 20;   // bytes
  static constexpr std::uint64_t remarkable = std::uint64_t{1} << 30;  // the same

  /// Opens `file`, made if need be, and cuts it to its first `size` bytes. Throws Failure(Exit::unexpected).
  /// Of lines that cannot be written the last `bound` bytes are kept. A file that has grown to `remark` bytes is
  /// remarked on in the log, and once more whenever it has doubled.
  MetricsFile(const std::string& file, std::uint64_t size, std::size_t bound = most_waiting,
              std::uint64_t remark = remarkable);

  /// Tries once more.
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /// `line` without its end. It reaches the file within about a second, and on flush().
  void add(const std::string& line);
  void flush();
  /// Why not all lines are in the file, after a last try; "" if they are.
  std::string finish();

 private:
  using Clock = std::chrono::steady_clock;
  void write_waiting();
  void failed(int code);
  void recovered();
  void remark_on_size();
  void drop_oldest();
  std::string loss() const;

  std::string file_;
  Descriptor out_;
  std::uint64_t size_;   // of the whole lines in the file
  std::string waiting_;  // whole lines
  std::size_t bound_;
  std::uint64_t dropped_ = 0;
  std::string fault_;  // of the last try
  Clock::time_point tried_{};
  Clock::time_point opened_ = Clock::now();
  std::uint64_t size_then_ = size_;
  std::uint64_t remark_;  // the size at which to say so
};

}  // namespace threepc
