#include "record/json.hpp"

#include <cmath>

namespace threepc {

Json parse_json(std::string_view text) { return Json::parse(text, nullptr, false); }

std::string to_text(const Json& json, int indent, bool ascii) {
  return json.dump(indent, ' ', ascii, Json::error_handler_t::replace);
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace threepc
