#include "runtime/join_token.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "failure.hpp"

namespace threepc {
namespace {

constexpr const char* variable = "THREEPC_TOKEN";

std::array<std::uint8_t, 32> random_bytes() {
  std::array<std::uint8_t, 32> out;
  if (getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size()))
    throw Failure(Exit::unexpected,
                  std::string("the system gives no random numbers for a join token: ") + std::strerror(errno));
  return out;
}

std::string hexadecimal(const std::array<std::uint8_t, 32>& bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes)
    for (const int digit : {byte >> 4, byte & 15}) out += "0123456789abcdef"[digit];
  return out;
}

}  // namespace

void draw_join_token() {
  const char* const given = std::getenv(variable);
  if (given != nullptr && *given != '\0') return;
  setenv(variable, hexadecimal(random_bytes()).c_str(), 1);
}

}  // namespace threepc
