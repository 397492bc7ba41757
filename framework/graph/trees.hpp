// Spanning trees of a graph that is known whole, by what they are best at.
#pragma once

#include <vector>

#include "graph/graph.hpp"

namespace threepc::graph {

/// The minimum spanning tree (of a graph that is not connected: forest), edges in lexicographic order. Ties go to the
/// lower indices, so that it is one whatever the order of `edges`. No spanning tree has a smaller sum of weights, and
/// none a smaller heaviest edge.
///
/// Kruskal's algorithm, filtered (Osipov, Sanders, Singler 2009): light edges first, and of the heavier half only those
/// are sorted whose ends the light ones leave apart. O(edges + nodes log nodes log(edges/nodes)) for random weights.
std::vector<Edge> kruskal(Node nodes, std::vector<Edge> edges);

/// A tree in which the nodes are near `root`: Dijkstra's shortest paths, where a node that has `fan_out` children
/// (0: any number) takes no more. Without a bound no spanning tree has a node nearer to the root; with one it is a
/// greedy choice, since the best is NP-hard. Edges in lexicographic order. Throws Failure(Exit::data) if a node cannot
/// be reached, or not within the bound.
std::vector<Edge> shortest_paths(const Graph& graph, Node root, Node fan_out = 0);

/// What a spanning tree is like from its root.
struct TreeShape {
  Edge slowest;         // its heaviest edge; of a single node: zeros
  Node depth = 0;       // edges between the root and the node farthest in edges
  double distance = 0;  // sum of weights between the root and the node farthest in those
  double total = 0;     // sum of all weights
  Node fan_out = 0;     // most children of a node
};

/// `tree` is connected and has no cycle; root < tree.nodes.
TreeShape shape(const Graph& tree, Node root);

}  // namespace threepc::graph
