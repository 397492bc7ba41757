// One axis of a sweep: a key of the configuration and the values that it takes.
#pragma once

#include <string>
#include <vector>

#include "config/document.hpp"

namespace threepc {

struct Axis {
  std::string key;  // "mechanism.compressor.k"
  std::vector<Node> values;
};

/// The values that `node` stands for: the items of a list, or a range in words:
///   "2^0..2^11"        powers of one base, exponents by ones
///   "1..10"            by ones
///   "0..1 step 0.25"   by a step; the end counts if a step meets it
/// Whole numbers stay integers. Every value keeps the place where it was written. Throws Failure(Exit::usage),
/// `key` is the axis for the message.
std::vector<Node> axis_values(const Node& node, const std::string& key);

/// A value for a person, and for a column of a table: 0.5, topk, {plugin = "topk", k = 3}.
std::string label(const Node& value);

}  // namespace threepc
