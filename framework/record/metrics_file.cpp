#include "record/metrics_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "failure.hpp"
#include "record/durable_file.hpp"
#include "record/log.hpp"

namespace threepc {
namespace {

constexpr auto interval = std::chrono::seconds(1);
constexpr std::size_t large = std::size_t{1} << 16;  // bytes that are worth a write of their own

std::string folder_of(const std::string& file) { return std::filesystem::path(file).parent_path().string(); }

}  // namespace

MetricsFile::MetricsFile(const std::string& file, std::uint64_t size, std::size_t bound, std::uint64_t remark)
    : file_(file),
      out_(open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode_of_files_in(folder_of(file)))),
      size_(size),
      bound_(bound),
      remark_(remark) {
  if (!out_ || ftruncate(out_.get(), static_cast<off_t>(size)) != 0)
    throw Failure(Exit::unexpected, file + ": cannot be written: " + std::strerror(errno) +
                                        "; free the disk or choose another folder with --out");
}

MetricsFile::~MetricsFile() { write_waiting(); }

void MetricsFile::add(const std::string& line) {
  waiting_ += line;
  waiting_ += '\n';
  if (waiting_.size() > bound_) drop_oldest();
  const bool due = Clock::now() - tried_ >= interval;
  if (due || (waiting_.size() >= large && fault_.empty())) write_waiting();
}

void MetricsFile::flush() {
  if (fault_.empty() || Clock::now() - tried_ >= interval) write_waiting();
}

std::string MetricsFile::finish() {
  write_waiting();
  return loss();
}

void MetricsFile::write_waiting() {
  tried_ = Clock::now();
  std::size_t written = 0;
  while (written < waiting_.size()) {
    const ssize_t more =
        pwrite(out_.get(), waiting_.data() + written, waiting_.size() - written, static_cast<off_t>(size_ + written));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return failed(errno);
    written += static_cast<std::size_t>(more);
    // What is whole need not be written again; a line that is cut is.
    if (written == waiting_.size()) break;
    const std::size_t whole = waiting_.rfind('\n', written - 1);
    if (whole == std::string::npos) continue;
    size_ += whole + 1;
    waiting_.erase(0, whole + 1);
    written -= whole + 1;
  }
  size_ += written;
  waiting_.clear();
  recovered();
  if (size_ >= remark_) remark_on_size();
}

/// A run of thousands of rounds a second, each with a line, fills a disk in a night.
void MetricsFile::remark_on_size() {
  while (remark_ <= size_) remark_ *= 2;
  const double days = std::chrono::duration<double>(Clock::now() - opened_).count() / 86400;
  char text[160];
  std::snprintf(text, sizeof text,
                ": has reached %.3g GB and grows by %.2g GB a day; a larger run.evaluate_every writes fewer lines",
                static_cast<double>(size_) * 1e-9, static_cast<double>(size_ - size_then_) * 1e-9 / days);
  log_warning(file_ + text);
}

/// A part of a line must not stay: nobody knows whether there will be another try.
void MetricsFile::failed(int code) {
  static_cast<void>(ftruncate(out_.get(), static_cast<off_t>(size_)));
  const bool first = fault_.empty();
  fault_ = std::strerror(code);
  if (first)
    log_warning(file_ + ": cannot be written: " + fault_ +
                "; the run goes on, and its lines wait in memory until there is space again");
}

void MetricsFile::recovered() {
  if (fault_.empty()) return;
  fault_.clear();
  log_info(file_ + ": can be written again" +
           (dropped_ > 0 ? "; " + std::to_string(dropped_) + " lines of before are lost" : ""));
}

/// A sixteenth more than it must, because each time moves all that waits.
void MetricsFile::drop_oldest() {
  const std::size_t end = waiting_.find('\n', std::min(waiting_.size() - 1, waiting_.size() - bound_ + bound_ / 16));
  const auto lines = std::count(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(end) + 1, '\n');
  waiting_.erase(0, end + 1);
  if (dropped_ == 0)
    log_warning(file_ + ": more lines wait than memory is meant for; the oldest are dropped, and missing in the file");
  dropped_ += static_cast<std::uint64_t>(lines);
}

std::string MetricsFile::loss() const {
  if (fault_.empty() && dropped_ == 0) return "";
  const auto waiting = static_cast<std::uint64_t>(std::count(waiting_.begin(), waiting_.end(), '\n'));
  return file_ + (fault_.empty() ? ": the disk was full for too long" : ": cannot be written: " + fault_) + "; " +
         std::to_string(dropped_ + waiting) + " lines are missing";
}

}  // namespace threepc
