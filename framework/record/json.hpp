// JSON of the run directory. Included by few sources only: the header behind it is large.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "record/metrics.hpp"

namespace threepc {

using Json = nlohmann::ordered_json;

/// Malformed text gives a value that is_discarded(). Parsing and writing are compiled once, in json.cpp.
Json parse_json(std::string_view text);
/// `indent` < 0: one line. What is no UTF-8 is replaced by U+FFFD; `ascii`: other characters are escaped.
std::string to_text(const Json& json, int indent = -1, bool ascii = false);

Json to_json(const Metrics& metrics);

/// JSON has no NaN and no infinity: such a value is null.
Json number_or_null(double value);

}  // namespace threepc
