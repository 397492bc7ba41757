// The lazy trigger that LAG and CLAG share.
#pragma once

#include <threepc/sdk.hpp>

struct TriggerOptions {
  double zeta = 1.0;
};

constexpr auto zeta_param() {
  return tpc::param<&TriggerOptions::zeta>(
      "zeta", "trigger: a worker sends when ||x-h||^2 > zeta ||x-y||^2; raise it to send less often", {.minimum = 0});
}

/// Whether h has fallen behind: ||x - h||^2 > zeta ||x - y||^2, strictly (3PC, eq. 13 and 15).
template <class T>
bool triggered(const tpc::Points<T>& points, double zeta) {
  return tpc::distance_sq(points.x, points.h) > zeta * tpc::distance_sq(points.x, points.y);
}
