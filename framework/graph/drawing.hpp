// A graph as a picture.
#pragma once

#include <span>
#include <string>

#include "graph/graph.hpp"

namespace threepc::graph {

/// More would be black.
inline constexpr Node most_nodes_drawn = 1000;

/// An SVG picture, nodes in a circle in their order, clockwise from the top; the edges in `bold` (of the graph) drawn
/// over the others. `title` is any UTF-8. At most most_nodes_drawn nodes.
std::string to_svg(const Graph& graph, std::span<const Edge> bold, const std::string& title);

}  // namespace threepc::graph
