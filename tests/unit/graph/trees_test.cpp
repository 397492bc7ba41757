// Trees are what they promise to be: compared with slow algorithms that share nothing with them.
#include "graph/trees.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "failure.hpp"
#include "graph/components.hpp"
#include "graph/generators.hpp"
#include "random_graph.hpp"

namespace threepc::graph {
namespace {

using testing::HasSubstr;

/// Jarník and Prim: grows one tree by its lightest edge.
std::vector<Edge> prim(const Graph& graph) {
  std::vector<bool> in(graph.nodes);
  in[0] = true;
  std::vector<Edge> tree;
  while (tree.size() + 1 < graph.nodes) {
    const Edge* best = nullptr;
    for (const Edge& edge : graph.edges)
      if (in[edge.u] != in[edge.v] && (best == nullptr || edge < *best)) best = &edge;
    in[best->u] = in[best->v] = true;
    tree.push_back(*best);
  }
  std::sort(tree.begin(), tree.end(),
            [](const Edge& a, const Edge& b) { return std::pair(a.u, a.v) < std::pair(b.u, b.v); });
  return tree;
}

/// Bellman and Ford.
std::vector<double> distances(const Graph& graph, Node root) {
  std::vector<double> distance(graph.nodes, INFINITY);
  distance[root] = 0;
  for (Node round = 0; round < graph.nodes; ++round)
    for (const Edge& edge : graph.edges) {
      distance[edge.v] = std::min(distance[edge.v], distance[edge.u] + edge.weight);
      distance[edge.u] = std::min(distance[edge.u], distance[edge.v] + edge.weight);
    }
  return distance;
}

bool is_spanning_tree(const Graph& graph, const std::vector<Edge>& tree) {
  Components components(graph.nodes);
  for (const Edge& edge : tree) {
    if (!std::binary_search(graph.edges.begin(), graph.edges.end(), edge, [](const Edge& a, const Edge& b) {
          return std::tuple(a.u, a.v, a.weight) < std::tuple(b.u, b.v, b.weight);
        }))
      return false;
    if (!components.join(edge.u, edge.v)) return false;
  }
  return tree.size() + 1 == graph.nodes;
}

/// The least w for which the edges up to w connect everything.
double bottleneck(const Graph& graph) {
  std::vector<Edge> sorted = graph.edges;
  std::sort(sorted.begin(), sorted.end());
  Graph part{graph.nodes, {}};
  for (const Edge& edge : sorted) {
    part.edges.push_back(edge);
    if (!unconnected(part)) return edge.weight;
  }
  return INFINITY;
}

TEST(Kruskal, IsPrimsTreeOnThousandsOfGraphs) {
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Graph graph = test::random_connected(1 + seed % 24, seed % 3 == 0 ? 5 : 1'000'000, seed);
    ASSERT_EQ(kruskal(graph.nodes, graph.edges), prim(graph)) << seed;
  }
}

TEST(Kruskal, OrderOfTheEdgesDoesNotMatter) {
  const Graph graph = test::random_connected(60, 4, 11);
  std::vector<Edge> reversed(graph.edges.rbegin(), graph.edges.rend());
  EXPECT_EQ(kruskal(graph.nodes, reversed), kruskal(graph.nodes, graph.edges));
}

/// Enough edges that most are filtered and never sorted.
TEST(Kruskal, FiltersLargeGraphsRight) {
  for (const std::uint64_t weights : {3ull, 50ull, 1'000'000'000ull}) {
    const Graph graph = test::random_connected(400, weights, weights);
    const Graph complete = generate("complete:300", weights);
    EXPECT_EQ(kruskal(graph.nodes, graph.edges), prim(graph));
    EXPECT_EQ(kruskal(complete.nodes, complete.edges), prim(complete));
  }
}

TEST(Kruskal, HasTheFastestSlowestLink) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Graph graph = test::random_connected(2 + seed % 20, 30, seed);
    const Graph tree{graph.nodes, kruskal(graph.nodes, graph.edges)};
    EXPECT_EQ(shape(tree, 0).slowest.weight, bottleneck(graph));
  }
}

TEST(Kruskal, OfPartsIsAForest) {
  EXPECT_THAT(kruskal(5, {{0, 1, 2}, {2, 3, 1}}), testing::ElementsAre(Edge{0, 1, 2}, Edge{2, 3, 1}));
  EXPECT_TRUE(kruskal(1, {}).empty());
}

TEST(ShortestPaths, AreAsShortAsPaths) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Graph graph = test::random_connected(1 + seed % 24, 40, seed);
    const Node root = static_cast<Node>(seed) % graph.nodes;
    const Graph tree{graph.nodes, shortest_paths(graph, root)};
    ASSERT_TRUE(is_spanning_tree(graph, tree.edges)) << seed;
    ASSERT_EQ(distances(tree, root), distances(graph, root)) << seed;
  }
}

TEST(ShortestPaths, KeepTheBoundOnChildren) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Graph graph = generate("complete:" + std::to_string(2 + seed % 30), seed);
    for (const Node fan_out : {1u, 2u, 5u}) {
      const Graph tree{graph.nodes, shortest_paths(graph, 1, fan_out)};
      EXPECT_TRUE(is_spanning_tree(graph, tree.edges));
      EXPECT_LE(shape(tree, 1).fan_out, fan_out);
    }
  }
}

TEST(ShortestPaths, OfEqualCostsWithTwoChildrenAreAFullBinaryTree) {
  Graph graph = generate("complete:15", 1);
  for (Edge& edge : graph.edges) edge.weight = 1;
  const TreeShape binary = shape({15, shortest_paths(graph, 0, 2)}, 0);
  EXPECT_EQ(binary.depth, 3u);
  EXPECT_EQ(binary.distance, 3);
}

TEST(ShortestPaths, SayWhomTheyCannotReach) {
  try {
    shortest_paths(generate("star:4", 1), 0, 2);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::data);
    EXPECT_THAT(failure.what(), HasSubstr("cannot be reached from node 0 with at most 2 children"));
  }
}

TEST(Shape, OfAPathDependsOnTheRoot) {
  const Graph path{4, {{0, 1, 5}, {1, 2, 7}, {2, 3, 1}}};
  EXPECT_EQ(shape(path, 0).depth, 3u);
  EXPECT_EQ(shape(path, 0).distance, 13);
  EXPECT_EQ(shape(path, 1).depth, 2u);
  EXPECT_EQ(shape(path, 1).distance, 8);
  EXPECT_EQ(shape(path, 1).fan_out, 2u);
  EXPECT_EQ(shape(path, 1).slowest, (Edge{1, 2, 7}));
  EXPECT_EQ(shape(path, 1).total, 13);
  EXPECT_EQ(shape({1, {}}, 0).depth, 0u);
}

}  // namespace
}  // namespace threepc::graph
