// How long a message of a member may be, so that none can make another hold more than the run needs.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"
#include "method/mechanism_tree.hpp"

namespace threepc {

/// Before d is known: of everything but the x^0 of worker 0. Memory for that grows only with what has come.
inline constexpr std::uint64_t longest_before_dimension = std::uint64_t{16} << 20;

/// Bytes of the longest message of a run with this mechanism, in either direction: updates, evaluations, states,
/// models, curvature products, facts, configurations, and the texts of failures. `parcels`: tpc_exchange.peers's
/// longest, where the problem has an exchange.
std::uint64_t longest_message(const RunConfig& config, const MechanismTree& mechanism, std::uint64_t parcels = 0);

/// Of what a worker hears in one evaluation; 0, where the problem has no exchange.
std::uint64_t longest_history(const RunConfig& config, std::uint64_t parcels);

}  // namespace threepc
