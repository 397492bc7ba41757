// Text for a terminal.
#pragma once

#include <cstddef>
#include <string>

namespace threepc::cli {

/// `text` broken at spaces so that it fits the terminal, every line after the first indented. A pipe has 100 columns.
std::string wrapped(const std::string& text, std::size_t indent);

}  // namespace threepc::cli
