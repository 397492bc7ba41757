// threepc sweep: all cells of a sweep file, side by side, and their tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "failure.hpp"
#include "sweep/cells.hpp"
#include "sweep/results.hpp"

namespace threepc {

struct SweepOptions {
  std::string file;              // the sweep's TOML file
  std::vector<std::string> set;  // overrides of every cell
  std::string out;               // default: runs/NAME
  std::uint32_t jobs = 0;        // cells at a time; 0: as many as cores are available
  bool force = false;            // run finished cells again
  bool quiet = false;            // no progress and no final table
};

struct SweepOutcome {
  std::string out;  // where everything was written
  Cells cells;
  std::vector<std::optional<Result>> results;  // one per cell; none: not run
  std::vector<Best> best;                      // without [best] every cell by itself; points into cells and results
  Exit exit = Exit::done;                      // interrupted, or the first failed cell's
};

/// Where a sweep writes when nobody says.
std::string default_out(const SweepFile& sweep);

/// Runs what has no result yet, writes sweep.csv and best.csv. Divergence and time limits are results. Throws
/// Failure for a bad sweep, before anything runs.
SweepOutcome run_sweep(const SweepFile& sweep, const SweepOptions& options);

/// The command: run_sweep, and the table of the best cells on stdout.
Exit sweep(const SweepOptions& options);

/// How many cells ended how, as a line.
std::string counts(const SweepFile& sweep, const SweepOutcome& outcome);

/// 12.3 as a person reads it, six digits.
std::string shown(double value);

}  // namespace threepc
