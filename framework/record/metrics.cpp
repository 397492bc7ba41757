#include "record/metrics.hpp"

#include <cmath>
#include <cstdio>

#include "hash.hpp"
#include "record/json.hpp"

namespace threepc {

Json to_json(const Metrics& m) {
  Json out = {{"round", m.round},
              {"f", number_or_null(m.f)},
              {"grad_norm", number_or_null(std::sqrt(m.grad_norm_sq))},
              {"grad_norm_sq", number_or_null(m.grad_norm_sq)},
              {"uplink_floats_per_worker", m.uplink_floats_per_worker},
              {"uplink_bits_per_worker", m.uplink_bits_per_worker},
              {"downlink_bits_per_worker", m.downlink_bits_per_worker},
              {"wire_bytes", m.wire_bytes},
              {"skipped", m.skipped},
              {"seconds", m.seconds}};
  for (const NamedValue& named : m.measured) out[named.key] = number_or_null(named.value);
  for (const NamedValue& named : m.metrics) out["metrics"][named.key] = number_or_null(named.value);
  return out;
}

std::string to_json_line(const Metrics& metrics) { return to_text(to_json(metrics)); }

void HashChain::add(const void* x, std::size_t size) { value_ = hash64(x, size, value_); }

std::string HashChain::hex() const {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
  return text;
}

}  // namespace threepc
