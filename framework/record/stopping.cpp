#include "record/stopping.hpp"

#include <cmath>

namespace threepc {

const char* reason_to_stop(const RunConfig& config, const Metrics& metrics) {
  const StopRules& stop = config.stop;
  const auto reached = [](const std::optional<double>& bound, double value) { return bound && value <= *bound; };
  const auto spent = [](const std::optional<double>& bound, double value) { return bound && value >= *bound; };
  if (reached(stop.grad_norm, std::sqrt(metrics.grad_norm_sq))) return "grad_norm";
  if (reached(stop.grad_norm_sq, metrics.grad_norm_sq)) return "grad_norm_sq";
  if (spent(stop.uplink_bits_per_worker, metrics.uplink_bits_per_worker)) return "uplink_bits_per_worker";
  if (spent(stop.seconds, metrics.seconds)) return "seconds";
  return metrics.round >= config.rounds ? "rounds" : nullptr;
}

}  // namespace threepc
