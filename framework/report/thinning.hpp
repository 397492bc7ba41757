// Which lines of a long run are drawn.
#pragma once

#include <cstddef>
#include <vector>

#include "report/run_record.hpp"

namespace threepc::report {

/// Rows of `run` to keep, ascending, at most `most` (at least 300) of them, and nearly as many; all if there are no
/// more. The rows are cut into intervals twice, evenly and evenly in the logarithm of the row, so that a logarithmic
/// axis keeps its beginning; of every interval the first and last row stay, and for every series that goes up and down
/// the rows where it is smallest and largest, so that no spike is lost.
std::vector<std::size_t> rows_to_draw(const RunRecord& run, std::size_t most);

/// Leaves these rows alone in `run`, with a note if there were more.
void thin(RunRecord& run, std::size_t most);

}  // namespace threepc::report
