// What `threepc topology` takes on its command line.
#include <CLI/CLI.hpp>

#include "cli/topology.hpp"
#include "graph/generators.hpp"
#include "graph/spanning_tree.hpp"

namespace threepc::cli {
namespace {

using Command = std::function<Exit()>;

void take_graph(CLI::App& app, const char* name, std::string& graph, std::uint64_t& seed) {
  app.add_option(name, graph, std::string("A file with a line 'u v w' for each edge, or ") + graph::generator_names())
      ->required()
      ->type_name("GRAPH");
  app.add_option("--seed", seed, "Of a generated graph, and of coins")->type_name("N")->capture_default_str();
}

void take_json(CLI::App& app, bool& json) { app.add_flag("--json", json, "One JSON object in place of text"); }

void take_energy(CLI::App& app, awake::EnergyCosts& costs) {
  const auto take = [&](const char* name, double& cost, const char* what) {
    app.add_option(name, cost, what)->type_name("MJ")->check(CLI::Range(0.0, 1e9));
  };
  take("--awake-mj", costs.awake, "Energy of a round awake, in mJ; with any of the three, energies are reported");
  take("--asleep-mj", costs.asleep, "Energy of a round asleep");
  take("--message-mj", costs.message, "Energy of a message, at its sender");
}

void add_simulate(CLI::App& topology, SimulateOptions& options, Command& command) {
  CLI::App& simulate = *topology.add_subcommand("simulate", "Run a distributed algorithm on a simulated network");
  simulate.require_subcommand(1);
  simulate.footer("Example: threepc topology simulate mst --graph er:100");
  CLI::App& sub = *simulate.add_subcommand("mst", "A minimum spanning tree, by nodes that sleep most of the time");
  take_graph(sub, "--graph", options.graph, options.seed);
  sub.add_option("--algorithm", options.algorithm, "randomized: awake O(log n) rounds of O(n log n)")
      ->check(CLI::IsMember({"randomized"}))
      ->capture_default_str();
  sub.add_option("--accounting", options.accounting,
                 "Rounds of the algorithm's schedule, or as the published simulator counts them")
      ->check(CLI::IsMember({"schedule", "published"}))
      ->capture_default_str();
  sub.add_flag("--lean", options.lean,
               "Sleep where nothing can be said or heard, and learn neighbours' fragments first");
  sub.add_option("--repeat", options.repeat, "Graphs, of seeds N, N+1, ...: means and standard errors")
      ->check(CLI::Range(1, 100000));
  sub.add_option("--coins", options.coins, "Runs on each graph with coins of their own; their medians count")
      ->check(CLI::Range(1, 1000));
  take_energy(sub, options.costs);
  take_json(sub, options.json);
  sub.footer(
      "The tree is compared with Kruskal's; another one, or a message to a sleeping node, is an error.\n"
      "Example: threepc topology simulate mst --graph er:446 --seed 1 --accounting published --lean");
  sub.callback([&] { command = [&] { return simulate_mst(options); }; });
}

void add_tree(CLI::App& topology, TreeOptions& options, Command& command) {
  CLI::App& sub = *topology.add_subcommand("mst", "A spanning tree over members whose links have been measured");
  sub.add_option("LINKS", options.links, "CSV: a table from,to,cost (also latency, bandwidth), or a matrix of costs")
      ->required()
      ->type_name("FILE");
  sub.add_option("--objective", options.objective,
                 "slowest-link: the slowest is as fast as can be; cost: the sum is the least; depth: near the root")
      ->check(CLI::IsMember(std::vector<std::string>(graph::objectives.begin(), graph::objectives.end())))
      ->capture_default_str();
  sub.add_option("--root", options.root, "The member that depth is counted from")
      ->type_name("I")
      ->capture_default_str();
  sub.add_option("--fan-out", options.fan_out, "depth: most children of a member (default: any number)")
      ->type_name("N")
      ->check(CLI::Range(1u, graph::most_nodes));
  sub.add_option("--out", options.out, "Write the tree as lines 'u v w'")->type_name("FILE");
  take_json(sub, options.json);
  sub.footer("Example: threepc topology mst links.csv --objective slowest-link --out tree.txt");
  sub.callback([&] { command = [&] { return make_tree(options); }; });
}

void add_show(CLI::App& topology, ShowOptions& options, Command& command) {
  CLI::App& sub = *topology.add_subcommand("show", "Degrees and mixing time of a graph, and a picture of it");
  take_graph(sub, "GRAPH", options.graph, options.seed);
  sub.add_option("--svg", options.svg, "Draw it, with its minimum spanning tree")->type_name("FILE");
  take_json(sub, options.json);
  sub.footer(
      "GRAPH may be a configuration with a table [topology], too.\nExample: threepc topology show er:30 --svg "
      "graph.svg");
  sub.callback([&] { command = [&] { return show_graph(options); }; });
}

}  // namespace

void add_topology(CLI::App& app, TopologyOptions& options, Command& command) {
  CLI::App& topology = *app.add_subcommand("topology", "Links between members, and trees over them");
  topology.require_subcommand(1);
  topology.footer("Example: threepc topology show ring:12");
  add_simulate(topology, options.simulate, command);
  add_tree(topology, options.tree, command);
  add_show(topology, options.show, command);
}

}  // namespace threepc::cli
