// In what the configurations of runs differ.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/document.hpp"

namespace threepc::report {

/// A configuration without its tables: "mechanism.compressor.k" -> "17", values as TOML writes them.
using Settings = std::map<std::string, std::string>;

Settings settings_of(const Node& config);

/// The keys in which not all runs agree, sorted; a key that one of them lacks is one of these. Runs whose configuration
/// is unknown (empty) are passed over, and so are run.name and run.out, which say nothing of the method.
std::vector<std::string> differing_keys(const std::vector<Settings>& runs);

}  // namespace threepc::report
