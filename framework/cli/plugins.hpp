// threepc plugins list | info
#pragma once

#include <string>
#include <vector>

#include "failure.hpp"

namespace threepc::cli {

/// All plugins by kind, on stdout; files that cannot be used, on stderr.
Exit list_plugins(const std::vector<std::string>& folders);

/// Everything that the plugins called `id` say of themselves, on stdout.
Exit show_plugin(const std::string& id, const std::vector<std::string>& folders);

}  // namespace threepc::cli
