// threepc topology simulate | mst | show: links between members, and trees over them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "awake/spanning_tree.hpp"
#include "failure.hpp"

namespace CLI {
class App;
}

namespace threepc::cli {

struct SimulateOptions {
  std::string graph;  // a file or a generator
  std::uint64_t seed = 1;
  std::string algorithm = "randomized", accounting = "schedule";
  bool lean = false, json = false;
  unsigned repeat = 1;  // graphs, of seeds seed, seed + 1, ...
  unsigned coins = 1;   // runs on each, of which the medians count
  awake::EnergyCosts costs;
};

struct TreeOptions {
  std::string links, objective = "slowest-link", out;
  graph::Node root = 0, fan_out = 0;
  bool json = false;
};

struct ShowOptions {
  std::string graph, svg;
  std::uint64_t seed = 1;
  bool json = false;
};

struct TopologyOptions {
  SimulateOptions simulate;
  TreeOptions tree;
  ShowOptions show;
};

/// What each prints goes to stdout. Throws Failure.
Exit simulate_mst(const SimulateOptions& options);
Exit make_tree(const TreeOptions& options);
Exit show_graph(const ShowOptions& options);
/// The same of [topology] of the configuration that options.graph names.
Exit show_topology_of_run(const ShowOptions& options);

/// Writes the picture that options.svg asks for. Throws Failure.
void draw(const ShowOptions& options, const graph::Graph& graph);

/// The command `topology` of `app`; what is chosen is put into `command`, and its options into `options`.
void add_topology(CLI::App& app, TopologyOptions& options, std::function<Exit()>& command);

}  // namespace threepc::cli
