#include "members/peers/node.hpp"

#include <algorithm>
#include <utility>

#include "plugin/streams.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

Membership of_listener(Membership membership) {
  membership.worker = TPC_SERVER;
  return membership;
}

}  // namespace

GraphNode::GraphNode(const RunConfig& config, const Membership& membership, std::shared_ptr<const Network> network,
                     Stepsize stepsize)
    : membership_(membership),
      network_(std::move(network)),
      stepsize_(std::move(stepsize)),
      method_(config.optimizer, membership, streams::optimizer),
      weights_(network_->columns, 1),
      x_(membership.dtype, membership.dim),
      estimate_(x_),
      state_(config.optimizer.descriptor->state_vectors, x_),
      mixed_(membership.dim) {
  const std::size_t published = method_.published().size();
  replicas_.reserve(published);  // whose addresses are kept
  delta_.assign(published, x_);
  for (std::size_t k = 0; k < published; ++k) {
    const Membership own = publishing_membership(membership, k);
    publishers_.emplace_back(config, own);
    replicas_.emplace_back(config.mechanism, of_listener(own));
    heard_.emplace_back(replicas_.back(), network_->matrix(method_.published()[k].sums), membership.worker);
  }
  if (method_.adapts_first()) shown_ = x_;
  consensus_ = consensus_of(config, mechanism());
  weights_ = PushSumWeights(network_->columns, consensus_);
}

void GraphNode::start(const RawVector& x0) {
  x_ = x0;
  if (shown_) shown_ = x0;
}

tpc_context GraphNode::context(std::uint64_t round) const {
  return method_.context(round, membership_.worker, stepsize_(round));
}

std::vector<void*> GraphNode::state() {
  std::vector<void*> out;
  for (RawVector& vector : state_) out.push_back(vector.data());
  return out;
}

const RawVector& GraphNode::vector(std::size_t published) const {
  const std::uint32_t number = method_.published()[published].vector;
  return number == 0 ? x_ : state_[number - 1];
}

/// Where the gradient is wanted.
const RawVector& GraphNode::estimate() {
  const double y = weights_.of(membership_.worker);
  if (!method_.divides() || y == 1) return x_;
  std::fill(mixed_.begin(), mixed_.end(), 0.0);
  add_scaled(1, x_, mixed_);
  for (double& value : mixed_) value /= y;
  round_scaled(1, mixed_, estimate_);
  return estimate_;
}

const RawVector* GraphNode::mix(std::uint64_t round, std::span<const Heard> heard) {
  if (round > 0) {
    absorb(round - 1, heard);
    compute_deltas();
    mix(round - 1);
    weights_.step();
  }
  if (shown_) shown_ = x_;
  const bool begins = round == 0 && !method_.adapts_first();
  return begins && !method_.has_begin() ? nullptr : &estimate();
}

void GraphNode::mix(std::uint64_t round) {
  std::vector<void*> own = state();
  method_.mix(context(round), deltas().data(), x_.data(), own.data());
}

std::vector<const void*> GraphNode::deltas() const {
  std::vector<const void*> out;
  for (const RawVector& each : delta_) out.push_back(each.data());
  return out;
}

/// A step from x^{round - 1} to x^round has the step size of the round before.
void GraphNode::adapt(std::uint64_t round, const RawVector& g) {
  std::vector<void*> own = state();
  if (method_.adapts_first())
    method_.adapt(context(round), g.data(), nullptr, x_.data(), own.data());
  else if (round == 0)
    method_.begin(context(0), g.data(), x_.data(), own.data());
  else
    method_.adapt(context(round - 1), g.data(), deltas().data(), x_.data(), own.data());
}

void GraphNode::publish(std::uint64_t round, Bytes& publication) {
  publication.clear();
  for (std::size_t k = 0; k < publishers_.size(); ++k) {
    publishers_[k].publish(round, stepsize_(round), vector(k), program_);
    append(publication, std::uint64_t{program_.size()});
    append(publication, std::span<const std::uint8_t>(program_));
  }
}

void GraphNode::absorb(std::uint64_t round, std::span<const Heard> heard) {
  for (Neighbourhood& each : heard_) each.begin_round(round);
  for (const Heard& one : heard) {
    tpc::Reader in(one.publication.data(), one.publication.size());
    for (Neighbourhood& each : heard_) each.absorb(one.from, in.take_span(in.get<std::uint64_t>()));
    in.finish();
  }
}

/// consensus * (sum_j w_ij vh_j - vh_i), in double whatever the run's dtype.
void GraphNode::compute_deltas() {
  for (std::size_t k = 0; k < heard_.size(); ++k) {
    std::fill(mixed_.begin(), mixed_.end(), 0.0);
    const MixingMatrix& matrix = network_->matrix(method_.published()[k].sums);
    add_scaled(matrix.own(membership_.worker) - 1, publishers_[k].known(), mixed_);
    heard_[k].add_to(mixed_);
    round_scaled(consensus_, mixed_, delta_[k]);
  }
}

void GraphNode::save(Bytes& out) const {
  append(out, x_);
  if (shown_) append(out, *shown_);
  for (const RawVector& vector : state_) append(out, vector);
  for (const double y : weights_.values()) append(out, y);
  for (const Publisher& publisher : publishers_) publisher.save(out);
  for (const Neighbourhood& each : heard_) each.save(out);
}

void GraphNode::load(tpc::Reader& in) {
  take(in, x_);
  if (shown_) take(in, *shown_);
  for (RawVector& vector : state_) take(in, vector);
  for (double& y : weights_.values()) y = in.get<double>();
  for (Publisher& publisher : publishers_) publisher.load(in);
  for (Neighbourhood& each : heard_) each.load(in);
}

}  // namespace threepc
