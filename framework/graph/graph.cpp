#include "graph/graph.hpp"

#include "failure.hpp"
#include "graph/components.hpp"

namespace threepc::graph {

Links::Links(const Graph& graph) : start_(graph.nodes + std::size_t{1}), links_(2 * graph.edges.size()) {
  for (const Edge& edge : graph.edges) ++start_[edge.u + 1], ++start_[edge.v + 1];
  for (Node v = 0; v < graph.nodes; ++v) start_[v + 1] += start_[v];
  std::vector<std::size_t> next(start_.begin(), start_.end() - 1);
  // In lexicographic order of the edges each node meets first those below it, then those above: both ascending.
  for (const Edge& edge : graph.edges) links_[next[edge.v]++] = {edge.u, edge.weight};
  for (const Edge& edge : graph.edges) links_[next[edge.u]++] = {edge.v, edge.weight};
}

std::optional<std::pair<Node, Node>> unconnected(const Graph& graph) {
  Components components(graph.nodes);
  for (const Edge& edge : graph.edges) components.join(edge.u, edge.v);
  for (Node v = 1; v < graph.nodes; ++v)
    if (components.of(v) != components.of(0)) return std::pair(Node{0}, v);
  return std::nullopt;
}

void require_connected(const Graph& graph, const std::string& name) {
  if (const auto apart = unconnected(graph))
    throw Failure(Exit::data, name + ": no path leads from node " + std::to_string(apart->first) + " to node " +
                                  std::to_string(apart->second) + "; a spanning tree needs a connected graph");
}

double total_weight(std::span<const Edge> edges) {
  double sum = 0;
  for (const Edge& edge : edges) sum += edge.weight;
  return sum;
}

}  // namespace threepc::graph
