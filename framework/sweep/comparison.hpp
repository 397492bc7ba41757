// How a sweep's result compares with what was published.
#pragma once

#include <string>
#include <vector>

#include "sweep/sweep.hpp"

namespace threepc {

/// A table for a person: measured against every [[published]] of the file.
std::string comparison(const SweepFile& sweep, const SweepOutcome& outcome);

/// The best cells of a heat map as [row][column], in the figure's order; nullptr where there is none.
struct Heatmap {
  std::vector<std::string> rows, columns;  // the labels of the axes' values
  std::vector<std::vector<const Best*>> cells;
  const Best* best = nullptr;  // of all
  std::size_t best_row = 0, best_column = 0;
};
Heatmap heatmap_of(const SweepFile& sweep, const SweepOutcome& outcome);

}  // namespace threepc
