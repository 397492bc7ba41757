// Step sizes that change over the rounds.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"

namespace threepc {

/// What gamma is multiplied by in `round` of at most `rounds`, in [0, 1]. With t rounds since the warm-up:
/// inverse-sqrt 1/sqrt(1 + t); inverse 1/(1 + t/decay_every) (Robbins and Monro 1951); cosine (1 + cos(pi t / T))/2,
/// T what remains after the warm-up (Loshchilov and Hutter 2017, without restarts); step
/// decay_factor^floor(t / decay_every).
double schedule_factor(const Schedule& schedule, std::uint64_t round, std::uint64_t rounds);

}  // namespace threepc
