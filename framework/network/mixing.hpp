// With which weights workers mix what they hear.
#pragma once

#include <threepc/draft/peers.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "network/digraph.hpp"

namespace threepc {

/// w_ij > 0 where j sends to i or j = i, 0 elsewhere. Immutable.
class MixingMatrix {
 public:
  /// `links` weighs the graph's links, in their order, `own` each worker itself.
  MixingMatrix(const Digraph& graph, std::vector<double> links, std::vector<double> own);

  double own(std::uint32_t worker) const { return own_[worker]; }
  /// Of the links to `worker`, in their order.
  std::span<const double> to(std::uint32_t worker) const;
  /// Whether rows and columns sum to 1, but for rounding.
  bool is_doubly_stochastic() const { return doubly_; }
  /// W v.
  std::vector<double> times(std::span<const double> v) const;
  const Digraph& graph() const { return *graph_; }

 private:
  const Digraph* graph_;
  std::vector<double> links_, own_;
  bool doubly_;
};

/// By [topology] weights, or the graph's own weights where it has some, whose columns sum to 1 with what each worker
/// keeps. `sums` is what is needed where both cannot be had. The graph outlives the matrix. Throws Failure(Exit::usage)
/// for `metropolis` on a graph with links of one direction, for weights out of a worker that sum to more than 1, and
/// where rows must sum to 1 but the graph's weights do not.
///
/// doubly      rows and columns sum to 1: Sinkhorn's iteration from equal weights, which converges because the graph is
///             strongly connected and each worker hears itself (Sinkhorn, Knopp 1967)
/// out-degree  columns: w_ij = 1 / (outdegree_j + 1); rows: w_ij = 1 / (indegree_i + 1)
/// metropolis  w_ij = 1 / (max(degree_i, degree_j) + 1), symmetric (Xiao, Boyd 2004)
MixingMatrix mixing_matrix(const Digraph& graph, Weights weights, tpc_sums sums);

/// y of push-sum, of all workers: each computes it by itself, because it follows from the graph alone. y^0 = 1,
/// y <- y + consensus (W y - y); where W is doubly stochastic it stays 1, bit for bit.
class PushSumWeights {
 public:
  PushSumWeights(const MixingMatrix& matrix, double consensus);
  void step();
  double of(std::uint32_t worker) const { return y_[worker]; }
  std::vector<double>& values() { return y_; }
  const std::vector<double>& values() const { return y_; }

 private:
  const MixingMatrix* matrix_;
  double consensus_;
  std::vector<double> y_;
};

}  // namespace threepc
