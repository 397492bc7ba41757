// Undirected graphs with a weight on each edge: links between members, and what they cost.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace threepc::graph {

using Node = std::uint32_t;

/// Node numbers lie below this, whoever names them: memory is taken for each.
inline constexpr Node most_nodes = 1'000'000;
/// Likewise where every pair of nodes is looked at.
inline constexpr Node most_nodes_of_pairs = 10'000;

/// u < v. The order is by weight, ties by the lower indices: total, so that there is one minimum spanning tree.
struct Edge {
  Node u = 0, v = 0;
  double weight = 0;

  bool operator==(const Edge&) const = default;
  /// Weights are never NaN here.
  bool operator<(const Edge& other) const {
    if (weight != other.weight) return weight < other.weight;
    return std::pair(u, v) < std::pair(other.u, other.v);
  }
};

/// Nodes 0 to nodes - 1; no loops, each pair at most once, edges in lexicographic order of (u, v).
struct Graph {
  Node nodes = 0;
  std::vector<Edge> edges;
};

/// The end of an edge that is not where one looks from.
struct Link {
  Node node = 0;
  double weight = 0;
};

/// The links of each node, in ascending order of the nodes at their other ends; 16 bytes for each end of an edge.
class Links {
 public:
  explicit Links(const Graph& graph);
  std::span<const Link> of(Node v) const { return std::span(links_).subspan(start_[v], degree(v)); }
  std::size_t degree(Node v) const { return start_[v + 1] - start_[v]; }

 private:
  std::vector<std::size_t> start_;
  std::vector<Link> links_;
};

/// Two nodes without a path between them: node 0 and the first that it does not reach.
std::optional<std::pair<Node, Node>> unconnected(const Graph& graph);

/// Throws Failure(Exit::data), naming such a pair and the graph by `name`, if there is one.
void require_connected(const Graph& graph, const std::string& name);

/// The sum of all weights.
double total_weight(std::span<const Edge> edges);

}  // namespace threepc::graph
