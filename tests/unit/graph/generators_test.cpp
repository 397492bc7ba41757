// Generated graphs are what their names say, and the same everywhere.
#include "graph/generators.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "failure.hpp"
#include "graph/diameter.hpp"
#include "graph/splitmix64.hpp"
#include "graph/trees.hpp"

namespace threepc::graph {
namespace {

/// Floyd and Warshall, in hops.
Node diameter(const Graph& graph) {
  std::vector<std::vector<Node>> d(graph.nodes, std::vector<Node>(graph.nodes, 1'000));
  for (Node v = 0; v < graph.nodes; ++v) d[v][v] = 0;
  for (const Edge& edge : graph.edges) d[edge.u][edge.v] = d[edge.v][edge.u] = 1;
  for (Node k = 0; k < graph.nodes; ++k)
    for (Node i = 0; i < graph.nodes; ++i)
      for (Node j = 0; j < graph.nodes; ++j) d[i][j] = std::min(d[i][j], d[i][k] + d[k][j]);
  Node most = 0;
  for (const auto& row : d) most = std::max(most, *std::max_element(row.begin(), row.end()));
  return most;
}

void expect_well_formed(const std::string& name) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Graph graph = generate(name, seed);
    std::set<double> weights;
    for (std::size_t i = 0; i < graph.edges.size(); ++i) {
      const Edge& edge = graph.edges[i];
      ASSERT_LT(edge.u, edge.v);
      ASSERT_LT(edge.v, graph.nodes);
      if (i > 0) {
        ASSERT_LT(std::pair(graph.edges[i - 1].u, graph.edges[i - 1].v), std::pair(edge.u, edge.v));
      }
      weights.insert(edge.weight);
    }
    EXPECT_EQ(weights.size(), graph.edges.size()) << name;
    EXPECT_FALSE(unconnected(graph)) << name;
    EXPECT_EQ(graph.edges, generate(name, seed).edges);
    if (graph.edges.size() > 5) {
      EXPECT_NE(graph.edges, generate(name, seed + 5).edges) << name;
    }
  }
}

TEST(Generators, MakeConnectedGraphsWithDistinctWeights) {
  for (const char* name :
       {"er:4", "er:30", "er:20:0.4", "er:1:0", "path:1", "path:2", "path:9", "path+chords:12", "ring:1", "ring:2",
        "ring:3", "ring:9", "star:7", "complete:1", "complete:8", "grid:3:5", "grid:1:1"})
    expect_well_formed(name);
}

TEST(Generators, CountsAreThoseOfTheNames) {
  EXPECT_EQ(generate("ring:9", 1).edges.size(), 9u);
  EXPECT_EQ(generate("complete:9", 1).edges.size(), 36u);
  EXPECT_EQ(generate("grid:3:5", 1).edges.size(), 22u);
  EXPECT_EQ(generate("grid:3:5", 1).nodes, 15u);
  EXPECT_EQ(generate("star:9", 1).edges.size(), 8u);
  EXPECT_EQ(diameter(generate("ring:9", 1)), 4u);
}

TEST(Generators, ErdosRenyiHasDiameterThree) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) EXPECT_EQ(diameter(generate("er:70", seed)), 3u);
}

TEST(Generators, AnEdgeOfAGivenPIsThatProbable) {
  double edges = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    edges += static_cast<double>(generate("er:60:0.3", seed).edges.size());
  const double pairs = 50 * 60 * 59 / 2;
  EXPECT_NEAR(edges / pairs, 0.3, 5 * std::sqrt(0.3 * 0.7 / pairs));
}

TEST(Generators, ThePathWithChordsHasThePathAsItsTree) {
  for (std::uint64_t seed = 1; seed < 10; ++seed) {
    const Graph graph = generate("path+chords:20", seed);
    for (const Edge& edge : kruskal(graph.nodes, graph.edges)) EXPECT_EQ(edge.v, edge.u + 1);
  }
}

/// At the borders of the words in which sets of nodes are kept, too.
TEST(Diameter, ThreeIsToldFromOthers) {
  EXPECT_TRUE(has_diameter_three(generate("path:4", 1)));
  EXPECT_FALSE(has_diameter_three(generate("path:3", 1)));
  EXPECT_FALSE(has_diameter_three(generate("path:5", 1)));
  EXPECT_FALSE(has_diameter_three(Graph{4, {{0, 1, 1}, {2, 3, 1}}}));
  for (const Node n : {63u, 64u, 65u, 128u, 129u}) {
    Graph star = generate("star:" + std::to_string(n), 1);
    EXPECT_FALSE(has_diameter_three(star)) << n;
    star.edges.back() = {n - 2, n - 1, 1};  // the last leaf hangs on another leaf
    EXPECT_TRUE(has_diameter_three(star)) << n;
  }
}

TEST(SplitMix64, FirstNumbersAreThePublishedOnes) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

}  // namespace
}  // namespace threepc::graph
