#include <cstdio>

#include "cli/facts.hpp"
#include "cli/topology.hpp"
#include "graph/edge_list.hpp"
#include "graph/spanning_tree.hpp"
#include "graph/trees.hpp"
#include "record/json.hpp"

namespace threepc::cli {
namespace {

using graph::Quantity;

void require_root(const TreeOptions& options, const graph::Graph& links) {
  if (options.root >= links.nodes)
    throw Failure(Exit::usage, "--root " + std::to_string(options.root) + ": " + options.links + " has members 0 to " +
                                   std::to_string(links.nodes - 1));
}

std::string link(const graph::Edge& edge) { return std::to_string(edge.u) + " - " + std::to_string(edge.v); }

/// In the file's own words: a bandwidth where that is what was measured.
std::string measured(double weight, Quantity quantity) {
  const bool inverse = quantity == Quantity::bandwidth;
  return std::string(graph::name_of(quantity)) + " " + brief(inverse ? 1 / weight : weight);
}

std::string slowest(const graph::Graph& tree, const graph::TreeShape& shape, Quantity quantity) {
  if (tree.edges.empty()) return "none: one member";
  return link(shape.slowest) + ", " + measured(shape.slowest.weight, quantity);
}

const char* weights(Quantity quantity) {
  return quantity == Quantity::bandwidth ? "1/bandwidth" : graph::name_of(quantity);
}

void print(const TreeOptions& options, const graph::Graph& tree, const graph::TreeShape& shape, Quantity quantity) {
  print_fact("tree", std::to_string(tree.nodes) + " members, objective " + options.objective + ", by the links' " +
                         graph::name_of(quantity));
  print_fact("slowest link", slowest(tree, shape, quantity));
  print_fact("depth", std::to_string(shape.depth) + " links below member " + std::to_string(options.root) + "; " +
                          weights(quantity) + " to the farthest " + brief(shape.distance) + "; at most " +
                          std::to_string(shape.fan_out) + " children");
  print_fact("total", std::string(weights(quantity)) + " " + brief(shape.total));
  if (!options.out.empty()) print_fact("written to", options.out);
}

Json json(const TreeOptions& options, const graph::Graph& tree, const graph::TreeShape& shape, Quantity quantity) {
  Json edges = Json::array();
  for (const graph::Edge& edge : tree.edges) edges.push_back({edge.u, edge.v, edge.weight});
  return {{"members", tree.nodes},
          {"objective", options.objective},
          {"weights", weights(quantity)},
          {"root", options.root},
          {"slowest_link", tree.edges.empty() ? Json() : Json{shape.slowest.u, shape.slowest.v, shape.slowest.weight}},
          {"depth", shape.depth},
          {"distance", shape.distance},
          {"fan_out", shape.fan_out},
          {"total", shape.total},
          {"edges", edges}};
}

}  // namespace

Exit make_tree(const TreeOptions& options) {
  if (options.fan_out > 0 && options.objective != "depth")
    throw Failure(Exit::usage,
                  "--fan-out bounds trees of --objective depth; with " + options.objective + " the links alone decide");
  Quantity quantity{};
  graph::Graph links = graph::read_link_costs(options.links, graph::quantity_for(options.objective), quantity);
  require_root(options, links);
  const graph::Graph tree = graph::spanning_tree(std::move(links), options.objective, options.root, options.fan_out);
  const graph::TreeShape shape = graph::shape(tree, options.root);
  if (!options.out.empty())
    write_result(options.out,
                 graph::to_edge_list(tree, "spanning tree of " + std::to_string(tree.nodes) + " members, objective " +
                                               options.objective + "; weights are " + weights(quantity)));
  if (options.json)
    std::puts(to_text(json(options, tree, shape, quantity), 2).c_str());
  else
    print(options, tree, shape, quantity);
  return Exit::done;
}

}  // namespace threepc::cli
