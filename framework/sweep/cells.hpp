// The cells of a sweep: every case crossed with every combination of its axes, each a complete, checked run.
#pragma once

#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "sweep/sweep_file.hpp"

namespace threepc {

struct Cell {
  std::string name;  // "EF21-Top10/multiplier=4", unique, also its folder
  std::string case_name;
  std::map<std::string, std::string> point;  // axis -> label of its value
  std::string config;                        // the resolved configuration, as TOML
  std::optional<double> tolerance_sq;        // of ||grad f||^2, from [run.stop]
  std::string folder;                        // absolute
};

struct Cells {
  std::vector<std::string> axes;  // of all cases, each once
  std::vector<Cell> cells;        // in the file's order, the last axis fastest
};

/// Loads the configuration of every cell, `overrides` of the command line last, so that nothing runs when one of
/// them is wrong. Throws Failure as load_config does, and Exit::usage for an override of an axis, for two cells of
/// one name, and for more than 100000 cells.
Cells expand(const SweepFile& sweep, const std::vector<std::string>& overrides, const std::string& out);

}  // namespace threepc
