// What came out of the cells, as tables.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sweep/cells.hpp"

namespace threepc {

/// reached: the tolerance of [run.stop] was met; ended: something else ended the run first, or it has no tolerance;
/// diverged and timeout are results too; failed: the run could not be done.
struct Result {
  std::string status;                         // reached | ended | diverged | timeout | failed
  std::map<std::string, std::string> values;  // column -> text; absent: unavailable
  int exit_code = 0;
  std::string message;  // of a failure

  /// NaN when unavailable.
  double number(const std::string& column) const;
};

/// What an earlier run left in the cell's folder; none if there is nothing, if it ran another configuration, was
/// interrupted, or was ended by a shorter time limit than `timeout` (0: none).
std::optional<Result> earlier_result(const Cell& cell, double timeout);

/// Whether a run of this configuration was interrupted or killed in the cell's folder, so that its last checkpoint, if
/// it left one, is the place to go on from. A run that a time limit ended is not: its limit counts from the start.
bool was_broken_off(const Cell& cell);

/// What a run that ended by itself left there. Throws Failure if its summary cannot be read.
Result read_result(const Cell& cell);

/// A run that was ended after `timeout` seconds; noted in the folder for earlier_result().
Result timed_out(const Cell& cell, double timeout);

/// The best cell among those that differ in the axes of `over` alone.
struct Best {
  std::string case_name;
  std::map<std::string, std::string> point;  // the other axes
  const Cell* cell = nullptr;                // nullptr: no cell of the group counts
  const Result* result = nullptr;
  const Cell* closest = nullptr;  // of those that did not diverge, the smallest ||grad f||; may be nullptr
  std::size_t cells = 0, counted = 0;
  bool at_edge = false;  // the winner has an end value of an axis of `over`: there may be a better one beyond
};

/// Counted are the cells that reached their tolerance, or that ended when they had none.
std::vector<Best> find_best(const Cells& cells, const std::vector<std::optional<Result>>& results,
                            const std::string& metric, const std::vector<std::string>& over);

/// A row for each cell that has a result.
std::string sweep_csv(const Cells& cells, const std::vector<std::optional<Result>>& results);

/// A row for each group.
std::string best_csv(const Cells& cells, const std::vector<Best>& best, const std::vector<std::string>& over);

/// A field of a CSV file, quoted if it has to be (RFC 4180).
std::string csv_field(const std::string& text);

/// Writes a whole file, replacing it in one step. Throws Failure(Exit::unexpected) that names it.
void write_file(const std::string& file, const std::string& content);
std::string read_text(const std::string& file);

}  // namespace threepc
