// A minimum spanning tree, found by nodes that sleep most of the time: what it takes.
#pragma once

#include <vector>

#include "awake/sleeping_model.hpp"
#include "graph/graph.hpp"

namespace threepc::awake {

/// Two ways to count rounds, because the only published measurements count more than the algorithm's schedule has.
enum class Accounting {
  schedule,  // a block is 2n+1 rounds, and a node is awake in the rounds of its transmission schedule alone
  /// As the published simulator: blocks of 2n+3 rounds, side blocks of 2n+4, and one round before each phase; every
  /// node is awake once more at the end of each block and at the start of each phase, a root once more in each upcast.
  published,
};

struct SimulationOptions {
  std::uint64_t seed = 1;  // of the coins
  bool lean = false;       // see Knowledge
};

/// What happened; rounds and awake rounds depend on how one counts.
struct Outcome {
  Node nodes = 0;
  std::vector<graph::Edge> tree;  // in lexicographic order
  std::uint64_t phases = 0;       // complete ones; the last, which finds that nothing is left to do, is not
  std::uint64_t messages = 0, lost = 0;
  Round last_awake = 0;  // by the schedule
  bool lean = false;

  Round rounds(Accounting accounting) const;
  /// Of each node.
  std::vector<Round> awake(Accounting accounting) const;

  std::vector<Account> accounts;               // of each node, by the schedule
  std::vector<std::uint64_t> upcasts_as_root;  // of each node
};

/// Runs the algorithm on a connected graph with at least one node. It sends O(edges log nodes) messages. Throws
/// Failure(Exit::data) for a graph that is not connected, naming two nodes. At most graph::most_nodes nodes: the seeds
/// of the coins are distinct for so many.
Outcome simulate_spanning_tree(const graph::Graph& graph, const SimulationOptions& options);

/// What a round awake, a round asleep and a message cost a node, in any one unit of energy.
struct EnergyCosts {
  double awake = 0, asleep = 0, message = 0;
};

/// Of each node.
std::vector<double> energy(const Outcome& outcome, Accounting accounting, const EnergyCosts& costs);

}  // namespace threepc::awake
