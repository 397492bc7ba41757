// A run directory read back, as far as the run got.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "record/json.hpp"
#include "report/differences.hpp"

namespace threepc::report {

/// One key of metrics.jsonl, a value for each line; NaN where the line has null or lacks the key.
struct Series {
  std::string key;
  std::vector<double> values;
};

struct RunRecord {
  std::string folder;              // as it was given
  std::string name;                // [run] name, or the folder's where there is no configuration
  std::vector<Series> series;      // every numeric key of metrics.jsonl
  std::vector<Series> milestones;  // what it cost to reach a tolerance, from all lines: milestones.hpp
  Settings settings;               // config.toml; empty where that cannot be read
  Json summary;                    // the texts and numbers of summary.json; null while the run is not finished
  std::vector<std::string> notes;  // what is missing or was left out, a sentence each
  std::size_t lines = 0;           // of metrics.jsonl; there are fewer rows once the run is thinned

  std::size_t rows() const { return series.empty() ? 0 : series.front().values.size(); }
};

/// Reads `folder`. A run without summary.json, without a metric, or with a torn last line is read with a note. Throws
/// Failure(Exit::usage) for a folder that is no run, Failure(Exit::data) with FILE:LINE for metrics that are malformed.
RunRecord read_run(const std::string& folder);

/// A name for each run by which a reader can tell them apart: the run's own where only one has it, otherwise with as
/// much of the end of its folder's path as is needed.
std::vector<std::string> labels(const std::vector<RunRecord>& runs);

}  // namespace threepc::report
