// The distributed algorithm finds Kruskal's tree, on every graph, and takes what an independent implementation counted.
#include "awake/spanning_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "../graph/random_graph.hpp"
#include "awake/spanning_tree_node.hpp"
#include "failure.hpp"
#include "graph/generators.hpp"
#include "graph/trees.hpp"

namespace threepc::awake {
namespace {

using graph::generate;
using graph::Graph;
using nlohmann::json;

Round most(const std::vector<Round>& rounds) { return *std::max_element(rounds.begin(), rounds.end()); }

double mean(const std::vector<Round>& rounds) {
  return static_cast<double>(std::accumulate(rounds.begin(), rounds.end(), Round{0})) /
         static_cast<double>(rounds.size());
}

void expect_kruskals(const Graph& graph, std::uint64_t seed) {
  for (const bool lean : {false, true}) {
    const Outcome outcome = simulate_spanning_tree(graph, {seed, lean});
    ASSERT_EQ(outcome.tree, graph::kruskal(graph.nodes, graph.edges)) << "seed " << seed << " lean " << lean;
    ASSERT_EQ(outcome.lost, 0u) << "seed " << seed << " lean " << lean;
    ASSERT_LE(outcome.last_awake, outcome.rounds(Accounting::schedule));
  }
}

TEST(AwakeSpanningTree, IsKruskalsOnThousandsOfGraphs) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed)
    expect_kruskals(graph::test::random_connected(1 + seed % 30, 1'000'000, seed), seed);
}

/// The paper wants distinct weights; here equal ones are told apart by the ends of their edges.
TEST(AwakeSpanningTree, IsKruskalsWhereWeightsAreEqual) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed)
    expect_kruskals(graph::test::random_connected(1 + seed % 30, 1 + seed % 4, seed), seed);
}

TEST(AwakeSpanningTree, IsKruskalsOnHundredsOfNodes) {
  for (const char* name :
       {"er:400", "path:150", "path+chords:150", "ring:200", "star:300", "complete:120", "grid:12:15"})
    expect_kruskals(generate(name, 3), 3);
}

std::string generator_of(const json& run) {
  const std::string n = std::to_string(run["n"].get<int>()), name = run["graph"];
  return (name == "diameter3" ? "er" : name) + ":" + n;
}

void expect_counts(const json& run) {
  const Graph graph = generate(generator_of(run), run["graph_seed"]);
  const Outcome outcome = simulate_spanning_tree(graph, {run["coin_seed"], false});
  EXPECT_EQ(graph.edges.size(), run["edges"]);
  EXPECT_EQ(graph::total_weight(outcome.tree), run["weight"]);
  EXPECT_EQ(outcome.phases, run["phases"]);
  EXPECT_EQ(outcome.messages, run["messages"]);
  EXPECT_EQ(outcome.lost, run["lost"]);
  EXPECT_EQ(outcome.last_awake, run["last_awake_round"]);
  EXPECT_EQ(outcome.rounds(Accounting::schedule), run["rounds"]);
  EXPECT_EQ(most(outcome.awake(Accounting::schedule)), run["max_awake"]);
  EXPECT_DOUBLE_EQ(mean(outcome.awake(Accounting::schedule)), run["mean_awake"]);
  EXPECT_EQ(outcome.rounds(Accounting::published), run["simulator_rounds"]);
  EXPECT_EQ(most(outcome.awake(Accounting::published)), run["simulator_max_awake"]);
  const Outcome lean = simulate_spanning_tree(graph, {run["coin_seed"], true});
  EXPECT_EQ(lean.phases, run["lean_fresh_phases"]);
  EXPECT_EQ(lean.messages, run["lean_fresh_messages"]);
  EXPECT_EQ(most(lean.awake(Accounting::schedule)), run["lean_fresh_max_awake"]);
}

TEST(AwakeSpanningTree, CountsAreTheReferences) {
  std::ifstream in(THREEPC_TEST_SOURCES "/../awake/reference/mst_runs.json");
  const json table = json::parse(in);
  ASSERT_EQ(table["runs"].size(), 21u);
  for (const json& run : table["runs"]) {
    SCOPED_TRACE(run.dump());
    expect_counts(run);
  }
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// The published experiment, smaller: n = 215, medians over five coins, means over graphs (30 in place of 1000).
TEST(AwakeSpanningTree, MeansAreThePublishedOnes) {
  constexpr int graphs = 30;
  double rounds = 0, awake = 0;
  for (std::uint64_t seed = 1; seed <= graphs; ++seed) {
    const Graph graph = generate("er:215", seed);
    std::vector<double> round, woken;
    for (std::uint64_t coins = 0; coins < 5; ++coins) {
      const Outcome outcome = simulate_spanning_tree(graph, {seed + coins, false});
      round.push_back(static_cast<double>(outcome.rounds(Accounting::published)));
      woken.push_back(static_cast<double>(most(outcome.awake(Accounting::published))));
    }
    rounds += median(round) / graphs;
    awake += median(woken) / graphs;
  }
  EXPECT_NEAR(rounds, 89'540, 0.04 * 89'540);
  EXPECT_NEAR(awake, 533.9, 0.04 * 533.9);
}

TEST(AwakeSpanningTree, AwakeTimeIsLogarithmicWhereRoundsAreNot) {
  const Outcome small = simulate_spanning_tree(generate("path:50", 1), {1, false});
  const Outcome large = simulate_spanning_tree(generate("path:800", 1), {1, false});
  EXPECT_GT(large.rounds(Accounting::schedule), 16 * small.rounds(Accounting::schedule));
  EXPECT_LT(most(large.awake(Accounting::schedule)), 3 * most(small.awake(Accounting::schedule)));
}

/// 13 tree rounds, 6 side rounds in a block each: the schedule bounds a phase by 19 awake rounds, the last by 6.
TEST(AwakeSpanningTree, NobodyIsAwakeMoreThanTheScheduleSays) {
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    const Graph graph = graph::test::random_connected(1 + seed % 40, 1'000'000, seed);
    const Outcome outcome = simulate_spanning_tree(graph, {seed, false});
    EXPECT_LE(most(outcome.awake(Accounting::schedule)), 19 * outcome.phases + 6);
  }
}

TEST(AwakeSpanningTree, CoinsAreFair) {
  int heads = 0;
  for (std::uint64_t phase = 0; phase < 100; ++phase)
    for (Node v = 0; v < 100; ++v) heads += coin(7, phase, v);
  EXPECT_NEAR(heads, 5000, 5 * 50);
}

TEST(AwakeSpanningTree, EnergyIsLinearInItsCosts) {
  const Outcome outcome = simulate_spanning_tree(generate("er:20", 1), {1, false});
  const auto awake = outcome.awake(Accounting::schedule);
  const double rounds = static_cast<double>(outcome.rounds(Accounting::schedule));
  const auto energy_of = [&](const EnergyCosts& costs) { return energy(outcome, Accounting::schedule, costs); };
  const auto up = energy_of({1, 0, 0}), asleep = energy_of({0, 1, 0}), sent = energy_of({0, 0, 1}),
             all = energy_of({2, 3, 5});
  for (Node v = 0; v < 20; ++v) {
    EXPECT_EQ(up[v], static_cast<double>(awake[v]));
    EXPECT_EQ(up[v] + asleep[v], rounds);
    EXPECT_EQ(all[v], 2 * up[v] + 3 * asleep[v] + 5 * sent[v]);
  }
  EXPECT_EQ(std::accumulate(sent.begin(), sent.end(), 0.0), static_cast<double>(outcome.messages));
}

TEST(AwakeSpanningTree, AnUnconnectedGraphIsRefusedByTwoNodes) {
  try {
    simulate_spanning_tree(Graph{4, {{0, 1, 1}, {2, 3, 1}}}, {});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::data);
    EXPECT_THAT(failure.what(), testing::HasSubstr("from node 0 to node 2"));
  }
}

}  // namespace
}  // namespace threepc::awake
