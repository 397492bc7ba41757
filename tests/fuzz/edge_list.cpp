// A list of edges from anywhere; what was read, written and read again is the same.
#include "graph/edge_list.hpp"

#include "graph_file.hpp"

namespace {

using namespace threepc;

void check_written(const graph::Graph& graph) {
  const fuzz::MemoryFile written(graph::to_edge_list(graph, "written"));
  const graph::Graph again = graph::read_edge_list(written.name());
  fuzz::promise(again.nodes == graph.nodes && again.edges == graph.edges, "what is written reads back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input({data, size});
  for (const graph::Node bound : {graph::Node{5}, graph::most_nodes})
    fuzz::read_graph([&] {
      const graph::Graph graph = graph::read_edge_list(input.name(), bound);
      fuzz::check_graph(graph, bound);
      check_written(graph);
    });
  return 0;
}
