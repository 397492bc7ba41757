// How fast averaging over a graph brings its nodes to their mean.
#pragma once

#include <optional>

#include "graph/graph.hpp"

namespace threepc::graph {

/// Above, mixing() has no answer: the eigenvalues of a dense matrix take time O(nodes^3).
inline constexpr Node most_nodes_mixed = 1500;

struct Mixing {
  double second = 0;  // the second largest modulus of an eigenvalue of the Metropolis weights, in [0, 1]
  double gap() const { return 1 - second; }
  /// Rounds of averaging that bring the nodes ten times nearer to their mean; infinite if they never come near.
  double rounds_per_digit() const;
};

/// Metropolis weights: w_uv = 1 / (1 + max(degree u, degree v)) for each edge, the rest of a row on its diagonal;
/// symmetric and doubly stochastic (Xiao, Boyd 2004). None for more than most_nodes_mixed nodes.
std::optional<Mixing> mixing(const Graph& graph);

}  // namespace threepc::graph
