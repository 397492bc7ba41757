// How far apart the nodes of a graph are, in hops.
#pragma once

#include "graph/graph.hpp"

namespace threepc::graph {

/// Whether the graph is connected and its two nodes farthest apart are three hops from each other. Time O(edges nodes /
/// 64).
bool has_diameter_three(const Graph& graph);

}  // namespace threepc::graph
