// A and B of a mechanism that moves h by one contractive compression of x - h.
#pragma once

#include <cmath>
#include <threepc/sdk.hpp>

/// A = 1 - sqrt(1 - alpha), B = (1 - alpha) / A (3PC, Table 1); the limit alpha = 1 is A = 1, B = 0.
inline tpc::Constants error_feedback_constants(double alpha) {
  const double rest = std::sqrt(1 - alpha);
  return {.A = 1 - rest, .B = (1 - alpha) / (1 - rest)};
}
