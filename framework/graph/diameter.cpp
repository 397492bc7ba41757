#include "graph/diameter.hpp"

#include <algorithm>

namespace threepc::graph {
namespace {

/// For each node the set of those within some number of hops, a bit each.
class Neighbourhoods {
 public:
  explicit Neighbourhoods(Node nodes) : nodes_(nodes), words_((nodes + 63) / 64), bits_(nodes * std::size_t{words_}) {}

  /// Zero hops: a node alone.
  static Neighbourhoods alone(Node nodes) {
    Neighbourhoods all(nodes);
    for (Node v = 0; v < nodes; ++v) all.row(v)[v / 64] |= std::uint64_t{1} << v % 64;
    return all;
  }

  Neighbourhoods one_hop_more(const Graph& graph) const {
    Neighbourhoods more = *this;
    for (const Edge& edge : graph.edges) more.add(edge.u, *this, edge.v), more.add(edge.v, *this, edge.u);
    return more;
  }

  bool complete() const {
    const std::uint64_t last = nodes_ % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << nodes_ % 64) - 1;
    for (std::size_t i = 0; i < bits_.size(); ++i)
      if (bits_[i] != ((i + 1) % words_ == 0 ? last : ~std::uint64_t{0})) return false;
    return true;
  }

 private:
  std::uint64_t* row(Node v) { return bits_.data() + std::size_t{v} * words_; }

  void add(Node to, const Neighbourhoods& of, Node from) {
    const std::uint64_t* other = of.bits_.data() + std::size_t{from} * words_;
    std::transform(other, other + words_, row(to), row(to), [](std::uint64_t a, std::uint64_t b) { return a | b; });
  }

  Node nodes_, words_;
  std::vector<std::uint64_t> bits_;
};

}  // namespace

bool has_diameter_three(const Graph& graph) {
  const Neighbourhoods two = Neighbourhoods::alone(graph.nodes).one_hop_more(graph).one_hop_more(graph);
  return !two.complete() && two.one_hop_more(graph).complete();
}

}  // namespace threepc::graph
