#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/facts.hpp"
#include "cli/topology.hpp"
#include "graph/drawing.hpp"
#include "graph/load.hpp"
#include "graph/mixing.hpp"
#include "graph/trees.hpp"
#include "record/json.hpp"

namespace threepc::cli {
namespace {

struct Degrees {
  std::size_t least, most;
  double mean;
};

Degrees degrees_of(const graph::Graph& graph) {
  std::vector<std::size_t> all(graph.nodes);
  for (const graph::Edge& edge : graph.edges) ++all[edge.u], ++all[edge.v];
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  return {*least, *most, 2 * static_cast<double>(graph.edges.size()) / graph.nodes};
}

/// UTF-8, whatever bytes a file is called.
std::string drawable(const std::string& text) { return parse_json(to_text(Json(text))).get<std::string>(); }

using Apart = std::optional<std::pair<graph::Node, graph::Node>>;

std::string connected_text(const Apart& apart) {
  if (!apart) return "yes";
  return "no: no path from node " + std::to_string(apart->first) + " to node " + std::to_string(apart->second);
}

std::string mixing_text(const std::optional<graph::Mixing>& mixing) {
  if (!mixing) return "not computed for more than " + std::to_string(graph::most_nodes_mixed) + " nodes";
  const double rounds = mixing->rounds_per_digit();
  return "spectral gap " + brief(mixing->gap()) + " of the Metropolis weights; " +
         (std::isinf(rounds) ? "averaging never reaches the mean"
                             : brief(rounds) + " rounds of averaging for a tenth of the distance to the mean");
}

void print(const ShowOptions& options, const graph::Graph& graph, const Apart& apart) {
  const Degrees degrees = degrees_of(graph);
  print_fact("graph", options.graph);
  print_fact("nodes", std::to_string(graph.nodes));
  print_fact("edges", std::to_string(graph.edges.size()) + ", weights sum to " + brief(total_weight(graph.edges)));
  print_fact("connected", connected_text(apart));
  print_fact("degrees",
             std::to_string(degrees.least) + " to " + std::to_string(degrees.most) + ", mean " + brief(degrees.mean));
  print_fact("mixing", mixing_text(graph::mixing(graph)));
  if (!options.svg.empty()) print_fact("drawn in", options.svg);
}

Json json(const graph::Graph& graph, const Apart& apart) {
  const Degrees degrees = degrees_of(graph);
  const auto mixing = graph::mixing(graph);
  return {{"n", graph.nodes},
          {"edges", graph.edges.size()},
          {"weight", total_weight(graph.edges)},
          {"connected", !apart},
          {"min_degree", degrees.least},
          {"max_degree", degrees.most},
          {"mean_degree", degrees.mean},
          {"spectral_gap", mixing ? number_or_null(mixing->gap()) : Json()},
          {"rounds_per_digit", mixing ? number_or_null(mixing->rounds_per_digit()) : Json()}};
}

}  // namespace

void draw(const ShowOptions& options, const graph::Graph& graph) {
  if (graph.nodes > graph::most_nodes_drawn)
    throw Failure(Exit::usage, "--svg draws up to " + std::to_string(graph::most_nodes_drawn) +
                                   " nodes; this graph has " + std::to_string(graph.nodes));
  const std::string title = drawable(options.graph) + ": " + std::to_string(graph.nodes) + " nodes, " +
                            std::to_string(graph.edges.size()) + " edges; bold: its minimum spanning tree";
  write_result(options.svg, graph::to_svg(graph, graph::kruskal(graph.nodes, graph.edges), title));
}

Exit show_graph(const ShowOptions& options) {
  if (options.graph.ends_with(".toml")) return show_topology_of_run(options);
  const graph::Graph graph = graph::load(options.graph, options.seed);
  const Apart apart = unconnected(graph);
  if (!options.svg.empty()) draw(options, graph);
  if (options.json)
    std::puts(to_text(json(graph, apart), 2).c_str());
  else
    print(options, graph, apart);
  return Exit::done;
}

}  // namespace threepc::cli
