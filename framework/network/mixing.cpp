#include "network/mixing.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "failure.hpp"

namespace threepc {
namespace {

constexpr double rounding = 1e-9;
constexpr int most_passes = 100000;  // of Sinkhorn's iteration; ten to some hundreds are usual

/// Weights in the making.
struct Draft {
  const Digraph& graph;
  std::vector<double> links, own;

  explicit Draft(const Digraph& of, double weight = 1)
      : graph(of), links(of.links().size(), weight), own(of.workers(), weight) {}

  /// body(receiver, sender, weight) for each, those of workers themselves included.
  template <class Body>
  void each(Body body) {
    for (std::uint32_t i = 0; i < own.size(); ++i) body(i, i, own[i]);
    for (std::size_t l = 0; l < links.size(); ++l) body(graph.links()[l].to, graph.links()[l].from, links[l]);
  }
  std::vector<double> sums(bool rows) {
    std::vector<double> out(own.size());
    each([&](std::uint32_t to, std::uint32_t from, double weight) { out[rows ? to : from] += weight; });
    return out;
  }
  void normalise(bool rows) {
    const std::vector<double> total = sums(rows);
    each([&](std::uint32_t to, std::uint32_t from, double& weight) { weight /= total[rows ? to : from]; });
  }
  MixingMatrix finish() { return {graph, std::move(links), std::move(own)}; }
};

double largest_error(const std::vector<double>& sums) {
  double out = 0;
  for (const double sum : sums) out = std::max(out, std::abs(sum - 1));
  return out;
}

/// The last division is of the columns, so that what is mixed keeps its sum.
MixingMatrix sinkhorn(const Digraph& graph) {
  Draft draft(graph);
  for (int pass = 0; pass < most_passes; ++pass) {
    draft.normalise(true);
    draft.normalise(false);
    if (largest_error(draft.sums(true)) <= 1e-15) break;
  }
  return draft.finish();
}

MixingMatrix by_degree(const Digraph& graph, tpc_sums sums) {
  Draft draft(graph);
  draft.normalise(sums == TPC_ROWS_SUM_TO_ONE);
  return draft.finish();
}

MixingMatrix metropolis(const Digraph& graph) {
  if (!graph.is_undirected())
    throw Failure(Exit::usage, graph.source() +
                                   ": weights = \"metropolis\" needs a link back for each link, and this " +
                                   "graph has links of one direction; use weights = \"doubly\"");
  Draft draft(graph);
  for (std::size_t l = 0; l < draft.links.size(); ++l) {
    const tpc::Link& link = graph.links()[l];
    draft.links[l] = 1.0 / (std::max(graph.out_degree(link.from), graph.out_degree(link.to)) + 1.0);
    draft.own[link.to] -= draft.links[l];
  }
  return draft.finish();
}

[[noreturn]] void too_much(const Digraph& graph, std::uint32_t worker, double sum) {
  throw Failure(Exit::usage, graph.source() + ": the weights of what worker " + std::to_string(worker) +
                                 " sends sum to " + std::to_string(sum) +
                                 "; they must sum to less than 1, the rest is what it keeps itself");
}

MixingMatrix given(const Digraph& graph, tpc_sums sums) {
  Draft draft(graph);
  for (std::size_t l = 0; l < draft.links.size(); ++l) {
    draft.links[l] = graph.links()[l].weight;
    draft.own[graph.links()[l].from] -= draft.links[l];
  }
  for (std::uint32_t worker = 0; worker < draft.own.size(); ++worker)
    if (!(draft.own[worker] > 0)) too_much(graph, worker, 1 - draft.own[worker]);
  MixingMatrix out = draft.finish();
  if (sums == TPC_ROWS_SUM_TO_ONE && !out.is_doubly_stochastic())
    throw Failure(Exit::usage, graph.source() +
                                   ": this optimizer needs weights of what each worker hears that sum to " +
                                   "1 with what it keeps, and the graph's own do not; leave the weights out");
  return out;
}

}  // namespace

MixingMatrix::MixingMatrix(const Digraph& graph, std::vector<double> links, std::vector<double> own)
    : graph_(&graph), links_(std::move(links)), own_(std::move(own)) {
  Draft whole(graph);
  whole.links = links_;
  whole.own = own_;
  doubly_ = largest_error(whole.sums(true)) <= rounding && largest_error(whole.sums(false)) <= rounding;
}

std::span<const double> MixingMatrix::to(std::uint32_t worker) const {
  const auto first = static_cast<std::size_t>(graph_->to(worker).data() - graph_->links().data());
  return std::span(links_).subspan(first, graph_->to(worker).size());
}

std::vector<double> MixingMatrix::times(std::span<const double> v) const {
  std::vector<double> out(own_.size());
  for (std::uint32_t i = 0; i < own_.size(); ++i) {
    out[i] = own_[i] * v[i];
    for (std::size_t l = 0; l < to(i).size(); ++l) out[i] += to(i)[l] * v[graph_->to(i)[l].from];
  }
  return out;
}

MixingMatrix mixing_matrix(const Digraph& graph, Weights weights, tpc_sums sums) {
  if (graph.has_weights()) return given(graph, sums);
  if (weights == Weights::doubly) return sinkhorn(graph);
  return weights == Weights::metropolis ? metropolis(graph) : by_degree(graph, sums);
}

PushSumWeights::PushSumWeights(const MixingMatrix& matrix, double consensus)
    : matrix_(&matrix), consensus_(consensus), y_(matrix.graph().workers(), 1.0) {}

void PushSumWeights::step() {
  if (matrix_->is_doubly_stochastic()) return;
  const std::vector<double> mixed = matrix_->times(y_);
  for (std::size_t i = 0; i < y_.size(); ++i) y_[i] += consensus_ * (mixed[i] - y_[i]);
}

}  // namespace threepc
