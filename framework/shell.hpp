// Words of the commands that we print for people to use.
#pragma once

#include <string>

namespace threepc {

/// In single quotes, as a shell reads it, where it needs them.
std::string for_shell(const std::string& word);

}  // namespace threepc
