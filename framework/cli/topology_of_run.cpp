// threepc topology show RUN.toml: the directed graph of a configuration.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "cli/facts.hpp"
#include "cli/topology.hpp"
#include "graph/drawing.hpp"
#include "graph/mixing.hpp"
#include "members/peers/network.hpp"
#include "network/spectrum.hpp"
#include "record/json.hpp"

namespace threepc::cli {
namespace {

/// Who is linked with whom, either way, for a picture.
graph::Graph without_directions(const Digraph& digraph) {
  std::set<std::pair<graph::Node, graph::Node>> pairs;
  for (const tpc::Link& link : digraph.links()) pairs.insert(std::minmax(link.from, link.to));
  graph::Graph out{digraph.workers(), {}};
  for (const auto& [u, v] : pairs) out.edges.push_back({u, v, 1});
  return out;
}

struct Degrees {
  std::uint32_t least, most;
};

Degrees out_degrees(const Digraph& graph) {
  Degrees out{graph.workers(), 0};
  for (std::uint32_t worker = 0; worker < graph.workers(); ++worker) {
    out.least = std::min(out.least, graph.out_degree(worker));
    out.most = std::max(out.most, graph.out_degree(worker));
  }
  return out;
}

void print(const ShowOptions& options, const RunConfig& config, const Network& network,
           const std::optional<graph::Mixing>& mixing) {
  const Degrees degrees = out_degrees(network.graph);
  print_fact("graph", std::string(config.topology->descriptor->id) + ", directed, of " + options.graph);
  print_fact("workers", std::to_string(network.graph.workers()));
  print_fact("links", std::to_string(network.graph.links().size()));
  print_fact("out-degrees", std::to_string(degrees.least) + " to " + std::to_string(degrees.most));
  print_fact("weights", network.columns.is_doubly_stochastic() ? "rows and columns sum to 1"
                                                               : "columns sum to 1; push-sum's y corrects the rows");
  if (mixing)
    print_fact("mixing", "spectral gap " + brief(mixing->gap()) + "; " + brief(mixing->rounds_per_digit()) +
                             " rounds without compression for a tenth of the distance");
  if (!options.svg.empty()) print_fact("drawn in", options.svg);
}

Json json(const Network& network, const std::optional<graph::Mixing>& mixing) {
  const Degrees degrees = out_degrees(network.graph);
  return {{"n", network.graph.workers()},
          {"links", network.graph.links().size()},
          {"min_out_degree", degrees.least},
          {"max_out_degree", degrees.most},
          {"doubly_stochastic", network.columns.is_doubly_stochastic()},
          {"spectral_gap", mixing ? number_or_null(mixing->gap()) : Json()},
          {"rounds_per_digit", mixing ? number_or_null(mixing->rounds_per_digit()) : Json()}};
}

}  // namespace

Exit show_topology_of_run(const ShowOptions& options) {
  const RunConfig config = load_config(options.graph, {});
  if (!config.topology)
    throw Failure(Exit::usage, options.graph + ": is a run around a server: it has no table [topology] to show");
  const auto network = network_of(config);
  const auto second = second_eigenvalue(network->columns);
  const auto mixing = second ? std::optional(graph::Mixing{*second}) : std::nullopt;
  if (!options.svg.empty()) draw(options, without_directions(network->graph));
  if (options.json)
    std::puts(to_text(json(*network, mixing), 2).c_str());
  else
    print(options, config, *network, mixing);
  return Exit::done;
}

}  // namespace threepc::cli
