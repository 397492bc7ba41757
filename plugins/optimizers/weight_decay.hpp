// What AdamW and Lion share.
#pragma once

#include <threepc/sdk.hpp>

struct WeightDecayOptions {
  double weight_decay = 0.01;
};

/// For an options struct that derives from WeightDecayOptions.
template <class Options>
constexpr auto weight_decay_param() {
  return tpc::param<&WeightDecayOptions::weight_decay, Options>(
      "weight_decay", "lambda: each step shrinks x by gamma lambda of itself; 0: no decay", {.minimum = 0});
}
