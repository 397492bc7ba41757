// Mixing keeps sums, leaves agreement alone where it can, and push-sum's weights make up for where it cannot.
#include "network/mixing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "failure.hpp"
#include "graphs.hpp"

namespace threepc {
namespace {

using test::NamedGraph;
using testing::HasSubstr;

Digraph graph_of(const std::string& text) {
  const NamedGraph named(text);
  return Digraph(named.workers, named.list(), text);
}

double total(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

std::vector<double> some(std::uint32_t n) {
  test::SplitMix random(3);
  std::vector<double> v(n);
  for (double& value : v) value = random.uniform() - 0.5;
  return v;
}

class Mixing : public testing::TestWithParam<const char*> {};

TEST_P(Mixing, ColumnsThatSumToOneKeepTheSum) {
  const Digraph graph = graph_of(GetParam());
  for (const Weights weights : {Weights::doubly, Weights::out_degree}) {
    const std::vector<double> v = some(graph.workers());
    EXPECT_NEAR(total(mixing_matrix(graph, weights, TPC_COLUMNS_SUM_TO_ONE).times(v)), total(v), 1e-14);
  }
}

TEST_P(Mixing, RowsThatSumToOneLeaveAgreementAlone) {
  const Digraph graph = graph_of(GetParam());
  const std::vector<double> equal(graph.workers(), 0.7);
  for (const Weights weights : {Weights::doubly, Weights::out_degree})
    for (const double value : mixing_matrix(graph, weights, TPC_ROWS_SUM_TO_ONE).times(equal))
      EXPECT_NEAR(value, 0.7, 1e-14);
}

TEST_P(Mixing, SinkhornDoesBothOnEveryStronglyConnectedGraph) {
  const Digraph graph = graph_of(GetParam());
  const MixingMatrix matrix = mixing_matrix(graph, Weights::doubly, TPC_COLUMNS_SUM_TO_ONE);
  EXPECT_TRUE(matrix.is_doubly_stochastic());
  PushSumWeights weights(matrix, 1);
  for (int round = 0; round < 50; ++round) weights.step();
  for (const double y : weights.values()) EXPECT_EQ(y, 1);
}

TEST_P(Mixing, PushSumFindsTheMeanWithColumnsAlone) {
  const Digraph graph = graph_of(GetParam());
  const MixingMatrix matrix = mixing_matrix(graph, Weights::out_degree, TPC_COLUMNS_SUM_TO_ONE);
  std::vector<double> x = some(graph.workers());
  const double mean = total(x) / graph.workers();
  PushSumWeights weights(matrix, 1);
  for (int round = 0; round < 2000; ++round) x = matrix.times(x), weights.step();
  EXPECT_NEAR(total(weights.values()), graph.workers(), 1e-12);
  for (std::uint32_t i = 0; i < graph.workers(); ++i) EXPECT_NEAR(x[i] / weights.of(i), mean, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(All, Mixing,
                         testing::Values("ring:1", "ring:2", "ring:8", "exp:10", "random:10:0.15:7",
                                         "random:30:0.05:2"));

TEST(MixingMatrix, RegularGraphsHaveEqualWeights) {
  const Digraph graph = graph_of("ring:8");
  const MixingMatrix matrix = mixing_matrix(graph, Weights::out_degree, TPC_COLUMNS_SUM_TO_ONE);
  EXPECT_TRUE(matrix.is_doubly_stochastic());
  EXPECT_EQ(matrix.own(3), 0.5);
  EXPECT_EQ(matrix.to(3)[0], 0.5);
}

TEST(MixingMatrix, MetropolisNeedsLinksBothWays) {
  const Digraph path(3, {{0, 1}, {1, 0}, {1, 2}, {2, 1}}, "path");
  const MixingMatrix matrix = mixing_matrix(path, Weights::metropolis, TPC_COLUMNS_SUM_TO_ONE);
  EXPECT_TRUE(matrix.is_doubly_stochastic());
  EXPECT_DOUBLE_EQ(matrix.own(0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(matrix.to(1)[0], 1.0 / 3);
  const Digraph ring = graph_of("ring:3");
  EXPECT_THROW(mixing_matrix(ring, Weights::metropolis, TPC_COLUMNS_SUM_TO_ONE), Failure);
}

TEST(MixingMatrix, AGraphsOwnWeightsMustLeaveSomethingToTheSender) {
  const Digraph good(2, {{0, 1, 0.25}, {1, 0, 0.5}}, "good"), greedy(2, {{0, 1, 1.0}, {1, 0, 0.5}}, "greedy");
  const MixingMatrix matrix = mixing_matrix(good, Weights::doubly, TPC_COLUMNS_SUM_TO_ONE);
  EXPECT_EQ(matrix.own(0), 0.75);
  EXPECT_FALSE(matrix.is_doubly_stochastic());
  EXPECT_THROW(mixing_matrix(good, Weights::doubly, TPC_ROWS_SUM_TO_ONE), Failure);
  try {
    mixing_matrix(greedy, Weights::doubly, TPC_COLUMNS_SUM_TO_ONE);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("what worker 0 sends sum to 1"));
  }
}

}  // namespace
}  // namespace threepc
