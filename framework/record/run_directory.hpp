// The folder of a run: config.toml, metrics.jsonl, summary.json, log.txt, checkpoint/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "record/directory_lock.hpp"
#include "record/metrics.hpp"
#include "record/metrics_continuation.hpp"
#include "record/metrics_file.hpp"
#include "record/profile.hpp"
#include "record/summary.hpp"
#include "vector/exact_vector.hpp"

namespace threepc {

/// How a run ended, by the summary.json of its folder; nullopt if there is none that can be read.
struct Ending {
  std::string stopped_by;
  Metrics last;  // round and what stopping rules look at; the rest unset

  /// It did what it was to do, or showed that it cannot: there is nothing to go on with unless it is asked for more.
  bool finished() const { return stopped_by != "interrupted" && stopped_by != "failed"; }
};
std::optional<Ending> ending_of(const std::string& run_folder);

/// Held by one process at a time. A folder or file that cannot be written when the run begins is a
/// Failure(Exit::unexpected) that names it. Once it runs, a full disk costs nothing that can wait: see fault().
class RunDirectory {
 public:
  /// Makes the folder, for its owner alone, and locks it. Throws Failure: Exit::usage if another process holds it.
  explicit RunDirectory(const std::string& folder);

  /// A new run. Nothing of an earlier one stays.
  void start(const std::string& config_toml);
  /// A run that goes on: its lines of metrics.jsonl stay.
  void go_on(const std::string& config_toml, const ExpectedLines& lines);
  /// What there is to say about the folder since it was opened, once; the log is opened later.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

  const std::string& folder() const { return folder_; }
  std::string log_file() const { return folder_ + "/log.txt"; }

  /// Appends a line to metrics.jsonl. Lines reach the file within a second, and on sync().
  void add(const Metrics& metrics);
  void sync();
  /// checkpoint/x.npy: the vector in NumPy's format, replaced in one step.
  void save_model(const RawVector& x);
  /// profile.json, and the trace where `trace` names a file; a file that cannot be written is a fault().
  void save_profile(const RunProfile& profile, const std::string& trace);
  /// The last step of a run: its presence is what marks the run as finished.
  void finish(const Summary& summary);
  /// What of the results could not be written, and why; "" if all is there.
  const std::string& fault() const { return fault_; }

 private:
  void begin(const std::string& config_toml, std::uint64_t metrics_size);
  void replace(const std::string& name, const std::string& content);
  void add_fault(const std::string& text);

  std::string folder_;
  DirectoryLock lock_;
  std::unique_ptr<MetricsFile> metrics_;
  std::vector<std::string> warnings_;
  std::string fault_;
};

}  // namespace threepc
