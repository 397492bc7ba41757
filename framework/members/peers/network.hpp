// What every member of a run on a graph knows of it: who hears whom, with which weights.
#pragma once

#include <memory>

#include "method/mechanism_tree.hpp"
#include "network/mixing.hpp"
#include "plugin/peer_method.hpp"

namespace threepc {

/// Immutable; the workers of one process share one.
struct Network {
  /// Throws Failure, as digraph_of and mixing_matrix do.
  explicit Network(const RunConfig& config);

  const MixingMatrix& matrix(tpc_sums sums) const { return sums == TPC_ROWS_SUM_TO_ONE ? rows : columns; }
  /// Of all links and weights: equal on two members who mix alike.
  std::uint64_t digest() const;

  Digraph graph;
  MixingMatrix columns, rows;  // the same, where one can be both
};

/// Of this run's configuration. Any thread.
std::shared_ptr<const Network> network_of(const RunConfig& config);

/// [optimizer] consensus; "auto": 1 where `tree` loses nothing, else half the least alpha of its compressors. That is a
/// rule found by trying, not theory: for directed graphs none is known. Throws Failure(Exit::usage) where they name no
/// alpha.
double consensus_of(const RunConfig& config, const MechanismTree& tree);

/// The membership of the mechanism that publishes vector number `k`: each has random streams of its own.
Membership publishing_membership(Membership run, std::size_t k);

/// Bytes of the longest state that a worker sends, and of the longest update.
std::uint64_t longest_node_state(const RunConfig& config, const Network& network, const MechanismTree& tree);
std::uint64_t longest_publication(const RunConfig& config, const MechanismTree& tree);

}  // namespace threepc
