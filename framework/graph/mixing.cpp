#include "graph/mixing.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace threepc::graph {
namespace {

Eigen::MatrixXd metropolis(const Graph& graph) {
  std::vector<double> degree(graph.nodes);
  for (const Edge& edge : graph.edges) ++degree[edge.u], ++degree[edge.v];
  Eigen::MatrixXd weights = Eigen::MatrixXd::Identity(graph.nodes, graph.nodes);
  for (const Edge& edge : graph.edges) {
    const double w = 1 / (1 + std::max(degree[edge.u], degree[edge.v]));
    weights(edge.u, edge.v) = weights(edge.v, edge.u) = w;
    weights(edge.u, edge.u) -= w;
    weights(edge.v, edge.v) -= w;
  }
  return weights;
}

}  // namespace

double Mixing::rounds_per_digit() const {
  if (second <= 0) return 0;
  return second >= 1 ? INFINITY : std::log(10) / -std::log(second);
}

std::optional<Mixing> mixing(const Graph& graph) {
  if (graph.nodes > most_nodes_mixed) return std::nullopt;
  if (graph.nodes < 2) return Mixing{};
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(metropolis(graph), Eigen::EigenvaluesOnly);
  const Eigen::VectorXd& ascending = solver.eigenvalues();  // the largest is 1: all nodes are equal
  return Mixing{std::clamp(std::max(-ascending(0), ascending(ascending.size() - 2)), 0.0, 1.0)};
}

}  // namespace threepc::graph
