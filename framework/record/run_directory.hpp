// The folder of a run: config.toml, metrics.jsonl, summary.json, log.txt, checkpoint/.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "record/metrics.hpp"
#include "record/summary.hpp"
#include "wire/exact_vector.hpp"

namespace threepc {

/// Every write is checked. A full disk or a folder that cannot be written is a Failure(Exit::unexpected) that
/// names the file; lines written before it stay.
class RunDirectory {
 public:
  /// Creates the folder and writes config.toml. An existing finished run is a Failure(Exit::usage) unless
  /// `force`; an unfinished one is started over.
  RunDirectory(const std::string& folder, const std::string& config_toml, bool force);
  /// The folder of a run that goes on after `round`: lines of metrics.jsonl up to that round stay.
  RunDirectory(const std::string& folder, const std::string& config_toml, std::uint64_t round);

  const std::string& folder() const { return folder_; }
  std::string log_file() const { return folder_ + "/log.txt"; }

  /// Appends a line to metrics.jsonl. Lines reach the file within a second, and on sync().
  void add(const Metrics& metrics);
  void sync();
  /// checkpoint/x.npy: the vector in NumPy's format, replaced in one step.
  void save_model(const RawVector& x);
  /// The last step of a run: its presence is what marks the run as finished.
  void finish(const Summary& summary);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void begin(const std::string& config_toml, const char* mode);
  void replace(const std::string& name, const std::string& content) const;

  std::string folder_;
  std::unique_ptr<std::FILE, Close> metrics_;
  double last_sync_ = 0;
};

}  // namespace threepc
