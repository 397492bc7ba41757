// Graphs as text: a line "u v w" for each edge.
#pragma once

#include <string>

#include "graph/graph.hpp"

namespace threepc::graph {

/// Lines "u v w", or "u v" with a weight of 1; # begins a comment. Nodes are numbered from 0 up to the largest that is
/// named, below `bound`; weights are finite and not negative. Throws Failure(Exit::data), naming the line: for a loop,
/// for an edge that is there twice, for a file without edges.
Graph read_edge_list(const std::string& file, Node bound = most_nodes);

/// What read_edge_list reads; weights in the shortest form that reads back as the same bits.
std::string to_edge_list(const Graph& graph, const std::string& comment);

}  // namespace threepc::graph
