// The numbers of the random streams of a run: one list, because two that draw from the same stream are correlated.
#pragma once

#include <cstdint>

namespace threepc::streams {

/// See tpc_setup.stream. Each instance of a mechanism tree has its own, from `mechanisms` on; the trees of the downlink
/// and of what peers publish beside x have the same numbers under seeds of their own.
inline constexpr std::uint32_t problem = 1, optimizer = 2, transport = 3, minibatch = 4, participation = 5,
                               topology = 6, aggregation = 7, attack = 8;
inline constexpr std::uint32_t mechanisms = 16;

}  // namespace threepc::streams
