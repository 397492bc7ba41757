// What a run had cost when its gradient first fell to a tolerance.
#pragma once

#include <vector>

#include "report/run_record.hpp"

namespace threepc::report {

/// The smallest number t >= 0 of two significant decimal digits with t² >= `grad_norm_sq` (at least 0, no NaN).
double smallest_tolerance(double grad_norm_sq);

/// Of all lines of `run`, those at which ‖∇f(x)‖² first falls to t² for some t of two significant digits, t descending:
/// "tolerance" is the smallest such t, and the other series say what the run had cost by then (round, bits, seconds).
/// What it cost to reach t is read at the first tolerance <= t, and is exact. At most 90 rows for each power of ten.
std::vector<Series> milestones(const RunRecord& run);

}  // namespace threepc::report
