// threepc config keys
#pragma once

#include <string>

#include "failure.hpp"

namespace threepc::cli {

/// The host's keys of a configuration, of one table or ("") all, on stdout, `markdown` as the documentation has them.
/// Throws Failure(Exit::usage) for a table in which the host has none.
Exit list_keys(const std::string& table, bool markdown);

}  // namespace threepc::cli
