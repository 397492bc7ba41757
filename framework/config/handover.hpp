// A run's configuration, from the process that has resolved it to those that it starts.
#pragma once

#include <string>

#include "config/run_config.hpp"

namespace threepc {

/// Everything that take_over() needs to have the same configuration, whatever has become of the user's file: it may
/// have been edited or renamed since, or have been a pipe. TOML, with the places in the user's file that messages name.
std::string hand_over(const RunConfig& config);

/// The configuration whose hand_over() is open for reading as `descriptor`. `file` is what the user called it. Throws
/// Failure as load_config() does.
RunConfig take_over(int descriptor, const std::string& file);

}  // namespace threepc
