// How a run begins: who takes part, in what dimension, with which step size.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <threepc/sdk/bytes.hpp>

#include "members/message_bounds.hpp"
#include "members/star/server.hpp"
#include "method/lanczos.hpp"
#include "method/stepsize.hpp"

namespace threepc {
namespace {

std::string hex(std::uint64_t digest) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

}  // namespace

void Server::prepare() {
  roster_.assemble([this](std::uint32_t worker) { return was_member(worker); });
  make_parts();
  if (resumed_ != nullptr)
    restore();
  else
    decide_stepsize();
  Bytes stepsize;
  append(stepsize, summary_.stepsize);
  channel_->broadcast(MessageType::begin, 0, stepsize);
  if (resumed_ != nullptr) restore_workers();
  channel_->begin_heartbeat();
}

bool Server::was_member(std::uint32_t worker) const {
  return resumed_ != nullptr && !resumed_->workers[worker].empty();
}

/// The dimension is what a peer says: nothing of that size is allocated before x^0 has it.
void Server::begin_from(const WorkerFacts& facts, std::span<const std::uint8_t> x0) {
  if (x0.size() != facts.dim * size_of(membership_.dtype))
    throw Failure(Exit::peer, "worker 0 sent an x^0 of the wrong size");
  membership_.dim = summary_.dim = facts.dim;
  membership_.blocks = facts.blocks;
  iterate_.emplace(config_->optimizer, membership_);
  std::memcpy(iterate_->x().data(), x0.data(), x0.size());
  last_finite_ = iterate_->x();
}

void Server::accept(std::uint32_t worker, const WorkerFacts& facts, std::span<const std::uint8_t> x0) {
  const std::string who = worker_name(worker);
  if (!iterate_) begin_from(facts, x0);
  if (facts.dim != membership_.dim)
    throw Failure(Exit::data, who + " has a problem of dimension " + std::to_string(facts.dim) + ", worker 0 of " +
                                  std::to_string(membership_.dim) + "; do all read the same data?");
  if (facts.blocks != membership_.blocks)
    throw Failure(Exit::data,
                  who + " divides the vector into other matrices than worker 0; do all read the same data?");
  require_same_data(worker, facts);
  data_[worker] = {facts.data_digest, facts.own_data};
  if (!in_rounds_) facts_[worker] = facts;
}

/// As it had before it was lost or the run was interrupted, and as all others have unless each may have its own.
void Server::require_same_data(std::uint32_t worker, const WorkerFacts& facts) const {
  const auto differ = [&](const std::string& than, std::uint64_t digest) {
    throw Failure(Exit::data, "worker " + std::to_string(worker) + " has read other data than " + than + ": digest " +
                                  hex(facts.data_digest) + " against " + hex(digest) +
                                  "; give it the file that the run began with");
  };
  if (data_[worker] && data_[worker]->digest != facts.data_digest) differ("when it began", data_[worker]->digest);
  for (std::uint32_t other = 0; other < data_.size() && !facts.own_data; ++other)
    if (data_[other] && !data_[other]->may_differ && data_[other]->digest != facts.data_digest)
      differ("worker " + std::to_string(other), data_[other]->digest);
}

void Server::make_parts() {
  mechanism_.emplace(config_->mechanism, membership_);
  aggregate_.emplace(*mechanism_, membership_, ledgers());
  points_.emplace(membership_.dtype, membership_.dim, membership_.workers);
  downlink_.emplace(*config_, membership_, *iterate_);
  evaluation_.emplace(*config_, membership_, *mechanism_, roster_, journal_);
  blame_.emplace(*config_, roster_, *aggregate_, *mechanism_, *iterate_);
  if (resumed_ == nullptr) begin_downlink();
  const std::uint64_t longest = longest_message(*config_, *mechanism_);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    channel_->limit(tpc::member_of_worker(worker), longest);
}

/// Workers that compute the same x^0 need not be told it.
void Server::begin_downlink() {
  downlink_->begin();
  const std::uint64_t digest = hash_of(iterate_->x());
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (facts_[worker] && facts_[worker]->start_digest == digest) downlink_->knows_start(worker);
}

std::optional<Ledger::Shrinks> Server::ledgers() const {
  // Who may miss a round in which all others reset has a g_i that must not be lost with theirs.
  const bool may_miss =
      config_->faults.round_deadline || config_->participation < 1 || roster_.fewest() < config_->workers;
  const bool together = (mechanism_->capabilities() & TPC_RESETS_TOGETHER) != 0;
  const bool lost_late = config_->faults.round_deadline.has_value();  // a late reset takes its g_i out of the sum
  const bool needed = config_->checkpoint.at_end || roster_.survives() || lost_late || (may_miss && together);
  if (!needed) return std::nullopt;
  const bool asking_is_cheap = (config_->transport.descriptor->capabilities & TPC_IN_PROCESS) != 0;
  return asking_is_cheap ? Ledger::Shrinks::when_restarted : Ledger::Shrinks::by_replaying;
}

/// gamma as the user gave it or as theory says, times the multiplier.
void Server::decide_stepsize() {
  const Compression up = {mechanism_->constants(), mechanism_->name()};
  const std::optional<Compression> down = downlink_->compression();
  double squares = 0, present = 0;
  for (const auto& facts : facts_)
    if (facts) squares += facts->L_i * facts->L_i, ++present;
  Smoothness known = {std::sqrt(squares / present), facts_[0]->L_minus, facts_[0]->hessian_spread};
  const double stepsize = config_->stepsize ? *config_->stepsize
                                            : theoretical_stepsize(*config_, up, down ? &*down : nullptr, known,
                                                                   [this] { return network_smoothness(); });
  summary_.A = up.constants.A;
  summary_.B = up.constants.B;
  summary_.L_plus = known.L_plus;
  summary_.L_minus = known.L_minus;
  summary_.stepsize = config_->multiplier * stepsize;
}

/// L_minus = ||(1/n) sum_i H_i||, by Lanczos with products averaged over the workers.
double Server::network_smoothness() {
  double present = 0;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (facts_[worker] && !facts_[worker]->has_curvature)
      throw Failure(Exit::usage, worker_name(worker) + " knows neither L_minus nor a curvature product");
    present += facts_[worker].has_value();
  }
  std::uint64_t request = 0;
  return largest_eigenvalue(membership_.dim, [&](std::span<const double> v, std::span<double> out) {
    const std::size_t size = v.size_bytes();
    channel_->broadcast(MessageType::curvature, request, {reinterpret_cast<const std::uint8_t*>(v.data()), size});
    std::fill(out.begin(), out.end(), 0.0);
    for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
      if (!facts_[worker]) continue;
      const tpc_message reply =
          channel_->expect(tpc::member_of_worker(worker), MessageType::curvature, request, "a curvature product");
      if (reply.size != size)
        throw Failure(Exit::peer, worker_name(worker) + " sent a curvature product of the wrong size");
      const tpc::Values<double> product(reply.data);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += product[i] / present;
    }
    ++request;
  });
}

}  // namespace threepc
