// A fuzz target is one file with one function, which takes bytes from a stranger and keeps its promises. libFuzzer
// calls it in the preset fuzz, replay.cpp in every other build. Crashes, sanitizer reports, leaks, time-outs and
// exceptions that leave the function are findings.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// One input. Returns 0; keeps nothing of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace threepc::fuzz {

/// Ends the process with `what` unless it is kept.
inline void promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "a broken promise: %s\n", what);
  std::abort();
}

/// What a person is shown about bad input, whatever the input holds: one screen at most, and nothing that a terminal
/// obeys.
inline void promise_message(std::string_view text) {
  const auto obeyed = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\n') || c == '\x7f'; };
  promise(!text.empty(), "a message says something");
  promise(text.size() <= 4000, "a message fits a screen");
  promise(std::none_of(text.begin(), text.end(), obeyed), "a message has no control characters");
}

}  // namespace threepc::fuzz
