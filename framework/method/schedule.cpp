#include "method/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace threepc {

double schedule_factor(const Schedule& schedule, std::uint64_t round, std::uint64_t rounds) {
  if (round < schedule.warmup) return static_cast<double>(round + 1) / static_cast<double>(schedule.warmup);
  const auto t = static_cast<double>(round - schedule.warmup);
  switch (schedule.kind) {
    case Schedule::Kind::inverse_sqrt:
      return 1 / std::sqrt(1 + t);
    case Schedule::Kind::inverse:
      return 1 / (1 + t / static_cast<double>(schedule.decay_every));
    case Schedule::Kind::cosine: {
      const double whole = static_cast<double>(rounds) - static_cast<double>(schedule.warmup);
      return (1 + std::cos(std::numbers::pi * std::min(1.0, t / std::max(1.0, whole)))) / 2;
    }
    case Schedule::Kind::step:
      return std::pow(schedule.decay_factor, std::floor(t / static_cast<double>(schedule.decay_every)));
    case Schedule::Kind::constant:
      break;
  }
  return 1;
}

}  // namespace threepc
