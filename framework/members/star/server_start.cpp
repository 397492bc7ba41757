// How a run with a server begins: its parts, and the step size.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <threepc/sdk/bytes.hpp>

#include "members/message_bounds.hpp"
#include "members/star/server.hpp"
#include "method/lanczos.hpp"
#include "method/stepsize.hpp"

namespace threepc {
void Server::begin_at(std::span<const std::uint8_t> x0) {
  iterate_.emplace(config_->optimizer, membership_);
  if (!x0.empty()) std::memcpy(iterate_->x().data(), x0.data(), x0.size());
}

std::uint64_t Server::longest_from_worker() const { return longest_message(*config_, *mechanism_, longest_parcels()); }

void Server::make_parts() {
  mechanism_.emplace(config_->mechanism, membership_);
  if (config_->rule) make_rule();
  aggregate_.emplace(*mechanism_, membership_, ledgers(), rule_ ? &*rule_ : nullptr);
  points_.emplace(membership_.dtype, membership_.dim, membership_.workers);
  downlink_.emplace(*config_, membership_, *iterate_);
  evaluation_.emplace(*config_, membership_, *mechanism_, roster_, journal_);
  blame_.emplace(*config_, roster_, *aggregate_, *mechanism_, *iterate_);
  if (resumed_ == nullptr) begin_downlink();
  const std::uint64_t longest = longest_from_worker();
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    channel_->limit(tpc::member_of_worker(worker), longest);
}

void Server::make_rule() {
  if (!std::isnan(mechanism_->constants().keep))
    throw Failure(Exit::usage, "the " + mechanism_->name() + " lends, so its g_i are no rows for a rule; leave " +
                                   "[aggregation] out, or use another mechanism, such as ef21 or marina");
  rule_.emplace(*config_->rule, membership_);
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
