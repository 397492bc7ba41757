// Run directories written by hand.
#pragma once

#include <string>
#include <string_view>

#include "program.hpp"

namespace threepc::test {

/// A line of metrics.jsonl with its end: `round`, a gradient norm of `grad_norm`, and costs that grow with the round.
std::string metrics_line(int round, double grad_norm);

/// A run below `folder`: the files whose text is given. Returns its path.
std::string write_run(const Folder& folder, const std::string& name, std::string_view config, std::string_view metrics,
                      std::string_view summary = "");

/// As write_run, with three rounds of metrics, a summary, and a small configuration whose [run] name is `run_name`.
std::string write_finished_run(const Folder& folder, const std::string& name, const std::string& run_name);

}  // namespace threepc::test
