// Measured links from anywhere, a table or a matrix, and the trees of them.
#include "graph/link_costs.hpp"

#include "graph/spanning_tree.hpp"
#include "graph_file.hpp"

namespace {

using namespace threepc;
using fuzz::promise;

void check_tree(const graph::Graph& links, const char* objective) {
  const graph::Graph tree = graph::spanning_tree(links, objective, 0, 0);
  fuzz::check_graph(tree, links.nodes);
  promise(tree.edges.size() + 1 == tree.nodes, "a tree has an edge less than nodes");
  promise(!graph::unconnected(tree), "a tree spans the links");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input({data, size});
  for (const char* objective : graph::objectives)
    for (const graph::Node bound : {graph::Node{3}, graph::most_nodes_of_pairs})
      fuzz::read_graph([&] {
        graph::Quantity used{};
        const graph::Graph links = graph::read_link_costs(input.name(), graph::quantity_for(objective), used, bound);
        fuzz::check_graph(links, bound);
        promise(links.edges.size() == std::size_t{links.nodes} * (links.nodes - 1) / 2, "every pair has a link");
        check_tree(links, objective);
      });
  return 0;
}
