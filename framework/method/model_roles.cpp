#include "method/model_roles.hpp"

#include <utility>

#include "hash.hpp"
#include "vector/change.hpp"

namespace threepc {
namespace {

constexpr std::uint64_t downlink_seed = 0x9e3779b97f4a7c15;
constexpr std::uint32_t the_encoder = 0;  // the one worker of its own membership

bool can_replay(const RunConfig& config) { return (config.optimizer.descriptor->capabilities & TPC_REPLAYABLE) != 0; }

Membership of_server(Membership membership) {
  membership.worker = TPC_SERVER;
  return membership;
}

void append_exact(Bytes& out, const ExactVector& v) {
  append_change(out, nullptr, v.sum());
  append_change(out, nullptr, v.error());
}

void append_tracked(Bytes& out, const TrackedVector& h) {
  append(out, static_cast<std::uint8_t>(h.lent().has_value()));
  append_exact(out, h);
  if (h.lent()) append_exact(out, *h.lent());
}

void take_whole(tpc::Reader& in, RawVector& v) {
  v.clear();
  take_change(in, v);
}

void take_exact(tpc::Reader& in, ExactVector& v) { take_whole(in, v.sum()), take_whole(in, v.error()); }

void take_tracked(tpc::Reader& in, TrackedVector& h) {
  h.clear();
  const bool lends = in.get<std::uint8_t>() != 0;
  take_exact(in, h);
  if (lends) take_exact(in, h.loan());
}

/// The membership of a downlink's mechanism and its random streams, which are nobody's on the uplink: one encoder,
/// alone.
Membership downlink_membership(const Membership& run) {
  Membership out = run;
  out.workers = 1;
  out.worker = the_encoder;
  out.seed ^= downlink_seed;
  return out;
}

}  // namespace

std::uint64_t hash_of(const RawVector& model) { return hash64(model.data(), model.size_bytes()); }

ModelEncoder::ModelEncoder(const RunConfig& config, const Membership& membership, Iterate& iterate)
    : of_(config.downlink.of),
      replays_(of_ == Of::model || (config.downlink.replay && can_replay(config))),
      iterate_(&iterate),
      told_(membership.dtype, membership.dim) {
  if (config.downlink.mechanism) encoder_.emplace(*config.downlink.mechanism, downlink_membership(membership));
}

void ModelEncoder::begin() {
  if (of_ == Of::model) static_cast<void>(propose(0, 0, iterate_->x()));
}

Bytes ModelEncoder::step(std::uint64_t round, double stepsize) {
  Bytes out;
  if (of_ != Of::model) append(out, stepsize);
  if (of_ == Of::gradient) {
    const Bytes program = propose(round, stepsize, iterate_->g());
    out.insert(out.end(), program.begin(), program.end());
    iterate_->g() = encoder_->h().sum();
  }
  if (of_ == Of::steps && replays_) {
    append_change(out, &told_, iterate_->g());
    told_ = iterate_->g();
  }
  iterate_->step(round, stepsize);
  return of_ == Of::model ? propose(round, stepsize, iterate_->x()) : out;
}

/// Length (u64) and program.
Bytes ModelEncoder::propose(std::uint64_t round, double stepsize, const RawVector& point) {
  Bytes program, out;
  if (begun_)
    encoder_->propose(round, stepsize, told_.data(), point.data(), program);
  else
    encoder_->propose_initial(point.data(), program);
  begun_ = true;
  told_ = point;
  append(out, std::uint64_t{program.size()});
  out.insert(out.end(), program.begin(), program.end());
  return out;
}

void ModelEncoder::append_state(Bytes& out) const {
  if (encoder_) append_tracked(out, encoder_->h());
  if (of_ == Of::model) return;
  append_change(out, nullptr, iterate_->x());
  if (of_ == Of::steps) append_change(out, nullptr, told_);
  for (const RawVector& vector : iterate_->state()) append_change(out, nullptr, vector);
}

void ModelEncoder::save(Bytes& out) const {
  append_change(out, nullptr, told_);
  if (!encoder_) return;
  append(out, static_cast<std::uint8_t>(begun_));
  append_tracked(out, encoder_->h());
  for (const RawVector* vector : encoder_->state()) append_change(out, nullptr, *vector);
}

void ModelEncoder::load(tpc::Reader& in) {
  take_whole(in, told_);
  if (!encoder_) return;
  begun_ = in.get<std::uint8_t>() != 0;
  take_tracked(in, encoder_->h());
  for (RawVector* vector : encoder_->state()) take_whole(in, *vector);
}

ModelReplica::ModelReplica(const RunConfig& config, const Membership& membership) : of_(config.downlink.of) {
  if (of_ != Of::model) iterate_.emplace(config.optimizer, of_server(membership));
  if (!config.downlink.mechanism) return;
  replica_.emplace(*config.downlink.mechanism, downlink_membership(membership));
  h_.emplace(membership.dtype, membership.dim);
}

void ModelReplica::start(const RawVector& x0) {
  if (iterate_) iterate_->x() = x0;
  if (of_ == Of::model) h_->sum() = x0;
  at_ = 0;
}

void ModelReplica::take_state(tpc::Reader& in, std::uint64_t round) {
  if (h_) take_tracked(in, *h_);
  if (iterate_) take_whole(in, iterate_->x());
  if (of_ == Of::steps) take_whole(in, iterate_->g());
  if (iterate_)
    for (RawVector& vector : iterate_->state()) take_whole(in, vector);
  in.finish();
  at_ = round;
}

bool ModelReplica::replay(tpc::Reader& in, std::uint64_t from, std::uint64_t to, std::uint64_t hash) {
  if (from != at_) return false;
  for (; in.remaining() > 0; ++from) replay_step(in, from);
  if (from != to) throw tpc::Corrupt("the steps lead to another round");
  at_ = to;
  return hash_of(model()) == hash;
}

void ModelReplica::replay_step(tpc::Reader& in, std::uint64_t round) {
  if (of_ == Of::model) return replay_program(in, round);
  const auto stepsize = in.get<double>();
  if (of_ == Of::gradient) {
    replay_program(in, round);
    iterate_->g() = h_->sum();
  } else {
    take_change(in, iterate_->g());
  }
  iterate_->step(round, stepsize);
}

void ModelReplica::replay_program(tpc::Reader& in, std::uint64_t round) {
  replica_->replay(in.take_span(in.get<std::uint64_t>()), round, the_encoder, *h_);
}

}  // namespace threepc
