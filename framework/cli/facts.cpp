#include "cli/facts.hpp"

#include <cstdio>
#include <system_error>

#include "failure.hpp"
#include "record/durable_file.hpp"

namespace threepc::cli {

void print_fact(const char* name, const std::string& value) {
  std::printf("  %-20s %s\n", name, harmless(value).c_str());
}

std::string brief(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void write_result(const std::string& file, const std::string& content) {
  try {
    write_durably(file, content);
  } catch (const std::system_error& error) {
    throw Failure(Exit::unexpected, file + ": cannot be written: " + error.code().message());
  }
}

}  // namespace threepc::cli
