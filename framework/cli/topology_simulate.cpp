#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/facts.hpp"
#include "cli/topology.hpp"
#include "graph/load.hpp"
#include "graph/trees.hpp"
#include "record/json.hpp"

namespace threepc::cli {
namespace {

using awake::Accounting;
using awake::Outcome;

Accounting accounting_of(const SimulateOptions& options) {
  return options.accounting == "published" ? Accounting::published : Accounting::schedule;
}

bool wants_energy(const awake::EnergyCosts& costs) { return costs.awake > 0 || costs.asleep > 0 || costs.message > 0; }

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

void add_energy(Json& facts, const Outcome& outcome, const SimulateOptions& options) {
  if (!wants_energy(options.costs)) return;
  const std::vector<double> energy = awake::energy(outcome, accounting_of(options), options.costs);
  facts["max_energy_mj"] = *std::max_element(energy.begin(), energy.end());
  facts["total_energy_mj"] = sum(energy);
}

Json facts_of(const graph::Graph& graph, const Outcome& outcome, const SimulateOptions& options) {
  const std::vector<awake::Round> awake = outcome.awake(accounting_of(options));
  const double total = sum({awake.begin(), awake.end()});
  Json facts = {{"n", graph.nodes},
                {"edges", graph.edges.size()},
                {"weight", graph::total_weight(outcome.tree)},
                {"phases", outcome.phases},
                {"rounds", outcome.rounds(accounting_of(options))},
                {"max_awake", *std::max_element(awake.begin(), awake.end())},
                {"mean_awake", total / static_cast<double>(awake.size())},
                {"messages", outcome.messages},
                {"lost", outcome.lost}};
  add_energy(facts, outcome, options);
  return facts;
}

/// The algorithm's promises; a run that breaks one has no numbers.
void require_right(const graph::Graph& graph, const Outcome& outcome) {
  if (outcome.lost > 0)
    throw Failure(Exit::unexpected, std::to_string(outcome.lost) + " messages went to sleeping nodes");
  if (outcome.tree != graph::kruskal(graph.nodes, graph.edges))
    throw Failure(Exit::unexpected, "the tree that was found is not the minimum spanning tree");
}

Json run_once(const graph::Graph& graph, std::uint64_t coins, const SimulateOptions& options) {
  const Outcome outcome = awake::simulate_spanning_tree(graph, {coins, options.lean});
  require_right(graph, outcome);
  return facts_of(graph, outcome, options);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Fact by fact.
std::vector<double> column(const std::vector<Json>& rows, const std::string& name) {
  std::vector<double> values;
  for (const Json& row : rows) values.push_back(row.at(name).get<double>());
  return values;
}

Json medians(const std::vector<Json>& runs) {
  if (runs.size() == 1) return runs.front();
  Json facts = Json::object();
  for (const auto& [name, value] : runs.front().items()) facts[name] = median(column(runs, name));
  return facts;
}

Json run_on_graph(std::uint64_t seed, const graph::Graph& graph, const SimulateOptions& options) {
  std::vector<Json> runs;
  for (unsigned i = 0; i < options.coins; ++i) runs.push_back(run_once(graph, seed + i, options));
  return medians(runs);
}

std::vector<Json> run_all(const SimulateOptions& options) {
  std::vector<Json> rows;
  graph::Graph graph;
  for (unsigned i = 0; i < options.repeat; ++i) {
    if (i == 0 || graph::depends_on_seed(options.graph)) graph = graph::load(options.graph, options.seed + i);
    graph::require_connected(graph, options.graph);
    rows.push_back(run_on_graph(options.seed + i, graph, options));
  }
  return rows;
}

Json mean_and_error(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = sum(values) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {{"mean", mean}, {"standard_error", std::sqrt(squares / (n - 1) / n)}};
}

Json statistics(const std::vector<Json>& rows) {
  Json facts = {{"graphs", rows.size()}};
  for (const auto& [name, value] : rows.front().items()) facts[name] = mean_and_error(column(rows, name));
  return facts;
}

/// "12345", or "12345 ± 67" of several graphs.
std::string shown(const Json& value) {
  if (value.is_number_integer()) return std::to_string(value.get<std::uint64_t>());
  if (!value.is_object()) return brief(value.get<double>());
  return brief(value["mean"].get<double>()) + " ± " + brief(value["standard_error"].get<double>());
}

void print(const Json& facts, const SimulateOptions& options) {
  const std::string more = options.repeat > 1 ? " and " + std::to_string(options.repeat - 1) + " more" : "";
  print_fact("graph", options.graph + ", seed " + std::to_string(options.seed) + more + ": " + shown(facts["n"]) +
                          " nodes, " + shown(facts["edges"]) + " edges");
  print_fact("algorithm", options.algorithm + (options.lean ? ", lean" : "") + ", counted by " + options.accounting);
  print_fact("tree", "weight " + shown(facts["weight"]) + ", the minimum");
  print_fact("phases", shown(facts["phases"]));
  print_fact("rounds", shown(facts["rounds"]));
  print_fact("awake", shown(facts["max_awake"]) + " rounds at most, " + shown(facts["mean_awake"]) + " on average");
  print_fact("messages", shown(facts["messages"]) + ", lost " + shown(facts["lost"]));
  if (facts.contains("max_energy_mj"))
    print_fact("energy", shown(facts["max_energy_mj"]) + " mJ at most, " + shown(facts["total_energy_mj"]) + " of all");
}

}  // namespace

Exit simulate_mst(const SimulateOptions& options) {
  const std::vector<Json> rows = run_all(options);
  const Json facts = rows.size() == 1 ? rows.front() : statistics(rows);
  if (options.json)
    std::puts(to_text(facts, 2).c_str());
  else
    print(facts, options);
  return Exit::done;
}

}  // namespace threepc::cli
