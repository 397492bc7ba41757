// threepc reproduce: an experiment that somebody published, as a sweep with a picture and a comparison.
#pragma once

#include <string>

#include "sweep/sweep.hpp"

namespace threepc {

/// Runs the experiment options.file (a name of list_experiments(), or a TOML file) through run_sweep and writes
/// beside its tables figure.svg, figure.png, what they were drawn from, and comparison.txt. Without gnuplot the
/// pictures are missing and a message says so; that is no failure.
Exit reproduce(const SweepOptions& options, bool quick);

/// The experiments that are installed with the program, on stdout.
Exit list_experiments();

}  // namespace threepc
