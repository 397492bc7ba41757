// JSON of the run directory. Included by few sources only: the header behind it is large.
#pragma once

#include <nlohmann/json.hpp>

#include "record/metrics.hpp"

namespace threepc {

using Json = nlohmann::ordered_json;

Json to_json(const Metrics& metrics);

/// JSON has no NaN and no infinity: such a value is null.
Json number_or_null(double value);

}  // namespace threepc
