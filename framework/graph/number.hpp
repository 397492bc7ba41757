// Numbers as text: the shortest that reads back as the same.
#pragma once

#include <charconv>
#include <string>

namespace threepc::graph {

template <class Number>
std::string shown(Number value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace threepc::graph
