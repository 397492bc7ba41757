#include "graph/mixing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "graph/generators.hpp"
#include "random_graph.hpp"

namespace threepc::graph {
namespace {

/// Averaging itself: how much the slowest direction shrinks in a round, after many.
double observed(const Graph& graph) {
  std::vector<double> degree(graph.nodes), x(graph.nodes), change(graph.nodes);
  for (const Edge& edge : graph.edges) ++degree[edge.u], ++degree[edge.v];
  SplitMix64 random(3);
  for (double& value : x) value = random.uniform();
  double ratio = 0;
  for (int round = 0; round < 3000; ++round) {
    double mean = 0, before = 0, after = 0;
    for (const double value : x) mean += value / graph.nodes;
    for (double& value : x) value -= mean, before += value * value;
    for (double& value : x) value /= std::sqrt(before);
    std::fill(change.begin(), change.end(), 0);
    for (const Edge& edge : graph.edges) {
      const double moved = (x[edge.v] - x[edge.u]) / (1 + std::max(degree[edge.u], degree[edge.v]));
      change[edge.u] += moved;
      change[edge.v] -= moved;
    }
    for (Node v = 0; v < graph.nodes; ++v) x[v] += change[v], after += x[v] * x[v];
    ratio = std::sqrt(after);
  }
  return ratio;
}

TEST(Mixing, OfARingIsItsClosedForm) {
  for (const int n : {3, 4, 8, 31}) {
    const double second = (1 + 2 * std::cos(2 * std::numbers::pi / n)) / 3;
    const double last = (1 + 2 * std::cos(2 * std::numbers::pi * (n / 2) / n)) / 3;
    EXPECT_NEAR(mixing(generate("ring:" + std::to_string(n), 1))->second, std::max(std::abs(second), std::abs(last)),
                1e-12);
  }
}

TEST(Mixing, OfACompleteGraphIsOneRound) {
  EXPECT_NEAR(mixing(generate("complete:9", 1))->second, 0, 1e-12);
  EXPECT_EQ(mixing(generate("path:1", 1))->rounds_per_digit(), 0);
}

TEST(Mixing, IsWhatAveragingDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Graph graph = test::random_connected(12, 5, seed);
    EXPECT_NEAR(mixing(graph)->second, observed(graph), 1e-6) << seed;
  }
}

TEST(Mixing, OfPartsNeverEnds) {
  const Mixing apart = *mixing(Graph{4, {{0, 1, 1}, {2, 3, 1}}});
  EXPECT_NEAR(apart.second, 1, 1e-12);
  EXPECT_GT(apart.rounds_per_digit(), 1e12);
}

TEST(Mixing, HasNoAnswerForLargeGraphs) { EXPECT_FALSE(mixing(generate("ring:1501", 1))); }

}  // namespace
}  // namespace threepc::graph
