// The picture of a sweep: its data as CSV, a gnuplot script, and what gnuplot makes of them.
#pragma once

#include <string>

#include "sweep/sweep.hpp"

namespace threepc {

/// Writes figure.csv and figure.gp into the sweep's folder, and lets gnuplot make figure.svg and figure.png there.
/// Returns "" or why there is no picture. Throws Failure(Exit::unexpected) for a file that cannot be written.
std::string draw_figure(const SweepFile& sweep, const SweepOutcome& outcome);

/// The value of the group's best cell in the figure's units; NaN if there is none. For curves that is where x is
/// when the tolerance is reached (without one: when the run ends), for a heat map the sweep's metric.
double figure_value(const SweepFile& sweep, const Best& best);

}  // namespace threepc
