// What heavy-ball and Nesterov's method share.
#pragma once

#include <threepc/sdk.hpp>

#include "below_one.hpp"

struct MomentumOptions {
  double momentum = 0.9;
};

constexpr auto momentum_param() {
  return tpc::param<&MomentumOptions::momentum>(
      "momentum", "beta, the share of the last displacement that is repeated; 0 is gradient descent",
      {.minimum = 0, .maximum = below_one});
}
