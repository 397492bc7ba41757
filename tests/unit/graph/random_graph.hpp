// Small connected graphs of every kind, many of them with equal weights.
#pragma once

#include "graph/graph.hpp"
#include "graph/splitmix64.hpp"

namespace threepc::graph::test {

/// `nodes` >= 1; weights are of `weights` different values.
inline Graph random_connected(Node nodes, std::uint64_t weights, std::uint64_t seed) {
  SplitMix64 random(seed);
  const double p = random.uniform();
  std::vector<Node> attached(nodes);
  for (Node v = 1; v < nodes; ++v) attached[v] = static_cast<Node>(random.below(v));
  Graph graph{nodes, {}};
  for (Node u = 0; u < nodes; ++u)
    for (Node v = u + 1; v < nodes; ++v)
      if (attached[v] == u || random.uniform() < p)
        graph.edges.push_back({u, v, static_cast<double>(random.below(weights))});
  return graph;
}

}  // namespace threepc::graph::test
