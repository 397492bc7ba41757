// The numbers of the random streams of a run: one list, because two that draw from the same stream are correlated.
#pragma once

#include <cstdint>

namespace threepc::streams {

/// See tpc_setup.stream. Each instance of a mechanism tree has its own, from `mechanisms` on; the downlink's tree has
/// the same numbers under a seed of its own.
inline constexpr std::uint32_t problem = 1, optimizer = 2, transport = 3, minibatch = 4, participation = 5;
inline constexpr std::uint32_t mechanisms = 16;

}  // namespace threepc::streams
