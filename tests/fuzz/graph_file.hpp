// A file of a graph from anywhere, as the readers of framework/graph get it.
#pragma once

#include <cmath>

#include "failure.hpp"
#include "graph/graph.hpp"
#include "memory_file.hpp"

namespace threepc::fuzz {

/// Runs `body`, which reads one; an error must blame the file.
template <class Body>
void read_graph(Body body) {
  try {
    body();
  } catch (const Failure& failure) {
    promise_message(failure.what());
    promise(failure.code() == Exit::data, "a malformed graph is called that");
  }
}

/// What graph.hpp says of every graph.
inline void check_graph(const graph::Graph& graph, graph::Node bound) {
  promise(graph.nodes <= bound, "nodes are below the bound");
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const graph::Edge& edge = graph.edges[i];
    promise(edge.u < edge.v && edge.v < graph.nodes, "edges are between two nodes, the lower first");
    promise(std::isfinite(edge.weight) && edge.weight >= 0, "weights are finite and not negative");
    if (i == 0) continue;
    const graph::Edge& last = graph.edges[i - 1];
    promise(std::pair(last.u, last.v) < std::pair(edge.u, edge.v), "edges ascend, each once");
  }
}

}  // namespace threepc::fuzz
