// Numbers as text.
#pragma once

#include <charconv>
#include <string>

namespace threepc::graph {

/// The shortest that reads back as the same.
template <class Number>
std::string shown(Number value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Rounded to three digits.
inline std::string brief(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, 3).ptr};
}

}  // namespace threepc::graph
