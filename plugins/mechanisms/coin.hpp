// The coin that MARINA and 3PCv5 toss: one a round, the same for all workers.
#pragma once

#include <threepc/sdk.hpp>

struct CoinOptions {
  double p = 0.1;
};

constexpr auto p_param() {
  return tpc::param<&CoinOptions::p>(
      "p", "probability of a round with whole gradients; K/d makes both kinds of round cost the same on average",
      {.minimum = 0, .maximum = 1, .above_minimum = true});
}

/// Whether this round's whole gradients are sent: true with probability p.
inline bool sends_whole(const tpc::Context& context, double p) {
  return context.random(tpc::Scope::shared_by_workers).uniform() < p;
}
