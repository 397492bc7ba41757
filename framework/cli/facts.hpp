// Facts for people, a name and a value a line, as at the end of a run; and files that commands write.
#pragma once

#include <string>

namespace threepc::cli {

/// "  name                 value", on stdout.
void print_fact(const char* name, const std::string& value);

/// Up to six digits.
std::string brief(double value);

/// The file appears whole or not at all. Throws Failure(Exit::unexpected), naming it.
void write_result(const std::string& file, const std::string& content);

}  // namespace threepc::cli
