#include "graph/spanning_tree.hpp"

#include <utility>

#include "graph/trees.hpp"

namespace threepc::graph {

Quantity quantity_for(std::string_view objective) {
  if (objective == "depth") return Quantity::latency;
  return objective == "cost" ? Quantity::cost : Quantity::bandwidth;
}

Graph spanning_tree(Graph links, std::string_view objective, Node root, Node fan_out) {
  if (objective == "depth") return {links.nodes, shortest_paths(links, root, fan_out)};
  return {links.nodes, kruskal(links.nodes, std::move(links.edges))};
}

}  // namespace threepc::graph
