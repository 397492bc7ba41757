#include "members/star/joint_evaluation.hpp"

#include <cstring>
#include <string>
#include <threepc/sdk/bytes.hpp>

namespace threepc {

JointEvaluation::JointEvaluation(const Problem& problem)
    : problem_(&problem),
      context_(problem.context(0, problem.membership().worker, 0)),
      exchanges_(find_exchange(problem.spec())->exchanges),
      x_(problem.membership().dtype, problem.facts().dim),
      gradient_(x_) {
  const tpc::Peers peers = problem.peers();
  peers_.assign(peers.workers.begin(), peers.workers.end());
  held_.resize(peers_.size());
  heard_.resize(peers_.size());
  parcels_.resize(peers_.size());
}

void JointEvaluation::begin(const tpc_context& context, const void* x) {
  context_ = context;
  std::memcpy(x_.data(), x, x_.size_bytes());
  stage_ = 0;
  over_ = false;
  go_on();
}

/// The stage that there is all for.
void JointEvaluation::go_on() {
  over_ = stage_ == exchanges_;
  if (over_) return problem_->finish(context_, stage_, x_.data(), heard_, value_, gradient_.data());
  problem_->stage(context_, stage_, x_.data(), heard_, parcels_);
  said_.clear();
  append(said_, stage_);
  for (std::size_t k = 0; k < peers_.size(); ++k) append_parcel(said_, peers_[k], {parcels_[k].data, parcels_[k].size});
  seal(said_, context_.round);
}

void JointEvaluation::hear(std::span<const std::uint8_t> mail) {
  const auto bytes = unseal(mail, context_.round);
  if (!bytes || over_) throw Failure(Exit::peer, "malformed message: what this worker's peers said was damaged");
  try {
    open(*bytes);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: what this worker's peers said: ") + error.what());
  }
  judge();
}

/// What the problem finds malformed is a peer's, and no file.
void JointEvaluation::judge() {
  try {
    ++stage_;
    go_on();
  } catch (const Failure& failure) {
    if (failure.code() != Exit::data) throw;
    throw Failure(Exit::peer, std::string("malformed message: ") + failure.what());
  }
}

/// Into held_: a message's bytes lie anywhere.
void JointEvaluation::open(std::span<const std::uint8_t> bytes) {
  const Parcels parcels = parse_parcels(bytes);
  if (parcels.stage != stage_) throw tpc::Corrupt("of another stage than " + std::to_string(stage_));
  if (parcels.all.size() != peers_.size())
    throw tpc::Corrupt(std::to_string(parcels.all.size()) + " parcels for a worker with " +
                       std::to_string(peers_.size()) + " peers");
  for (std::size_t k = 0; k < peers_.size(); ++k) {
    const Parcels::Parcel& parcel = parcels.all[k];
    if (parcel.peer != peers_[k]) throw tpc::Corrupt("a parcel of " + worker_name(parcel.peer) + ", which is no peer");
    held_[k].assign(parcel.bytes.begin(), parcel.bytes.end());
    heard_[k] = {held_[k].data(), held_[k].size()};
  }
}

void JointEvaluation::replay(const tpc_context& context, const void* x, tpc::Reader& in) {
  begin(context, x);
  while (!over_) {
    Bytes stage;
    append(stage, stage_);
    append(stage, in.take_span(in.get<std::uint64_t>()));
    open(stage);
    ++stage_;
    go_on();
  }
}

void JointEvaluation::read(double* value, void* gradient) const {
  if (value != nullptr) *value = value_;
  if (gradient != nullptr) std::memcpy(gradient, gradient_.data(), gradient_.size_bytes());
}

}  // namespace threepc
