// "Did you mean": the known name nearest to one that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace threepc {

/// " (did you mean 'zeta'?)" for the known name at the smallest Damerau-Levenshtein distance, if that is
/// small against its length; otherwise "".
std::string suggestion(std::string_view wrong, const std::vector<std::string>& known);

/// "clag, ef21, gd" in alphabetical order; "none" when empty.
std::string listed(std::vector<std::string> names);

}  // namespace threepc
