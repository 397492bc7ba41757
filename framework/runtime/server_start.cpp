// How a run begins: who takes part, in what dimension, with which step size.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <threepc/sdk/bytes.hpp>

#include "method/lanczos.hpp"
#include "method/stepsize.hpp"
#include "runtime/message_bounds.hpp"
#include "runtime/server.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t member_of(std::uint32_t worker) { return worker + 1; }

std::string hex(std::uint64_t digest) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

}  // namespace

void Server::prepare() {
  take_in_workers();
  make_plugins();
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

/// Begins with [workers] start of them, rank 0 among them, because it knows x^0; a run that goes on, with all that were
/// members. Where members cannot come later, all are waited for.
void Server::take_in_workers() {
  here_.assign(config_->workers, false);
  for (std::uint32_t worker = 1; worker < config_->workers; ++worker)
    channel_->limit(member_of(worker), longest_before_dimension);
  const auto enough = [this] {
    greet();
    return may_begin();
  };
  if (fewest() < config_->workers)
    channel_->join(enough);
  else
    channel_->join();
  while (!enough()) {
    const auto missing = static_cast<std::uint32_t>(std::find(here_.begin(), here_.end(), false) - here_.begin());
    channel_->expect(member_of(missing), MessageType::hello, 0, "the greeting");
    here_[missing] = true;
  }
  const std::string lines = agreement_text(*config_);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (here_[worker]) hand_over(worker, MessageType::configuration, 0, bytes_of(lines));
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    here_[worker] ? take_in(worker) : roster_.expect_later(worker);
}

std::uint32_t Server::fewest() const {
  const bool later = (config_->transport.descriptor->capabilities & TPC_REJOINS) != 0;
  return later ? config_->start : config_->workers;
}

bool Server::may_begin() const {
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const bool was_member = resumed_ != nullptr && !resumed_->workers[worker].empty();
    if (!here_[worker] && (worker == 0 || was_member)) return false;
  }
  return std::count(here_.begin(), here_.end(), true) >= fewest();
}

/// One that is gone is passed over: what it or another said before explains more than that it left, and is read next.
void Server::hand_over(std::uint32_t worker, MessageType type, std::uint64_t round,
                       std::span<const std::uint8_t> data) {
  try {
    channel_->send(member_of(worker), type, round, data);
  } catch (const Failure& failure) {
    if (failure.code() != Exit::peer) throw;
  }
}

/// Who has joined says hello.
void Server::greet() {
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (here_[worker]) continue;
    const Heard heard = channel_->hear(member_of(worker), 0);
    if (heard.code != Exit::peer) throw Failure(heard.code, heard.why);
    here_[worker] =
        heard.what == Heard::What::message && heard.message.type == static_cast<std::uint32_t>(MessageType::hello);
  }
}

void Server::take_in(std::uint32_t worker) {
  const tpc_message message = channel_->expect(member_of(worker), MessageType::facts, 0, "the problem's facts");
  std::span<const std::uint8_t> rest = payload_of(message);
  facts_.push_back(take_worker_facts(rest));
  accept(worker, facts_.back());
  if (worker > 0) return;
  // Before anything of that size is allocated: the dimension is what a peer says.
  if (rest.size() != facts_.front().dim * size_of(membership_.dtype))
    throw Failure(Exit::peer, "worker 0 sent an x^0 of the wrong size");
  membership_.dim = summary_.dim = facts_.front().dim;
  membership_.blocks = facts_.front().blocks;
  iterate_.emplace(config_->optimizer, membership_);
  std::memcpy(iterate_->x().data(), rest.data(), rest.size());
  last_finite_ = iterate_->x();
}

void Server::accept(std::uint32_t worker, const WorkerFacts& facts) {
  const std::string who = "worker " + std::to_string(worker);
  const std::uint32_t dim = facts_.front().dim;
  if (facts.dim != dim)
    throw Failure(Exit::data, who + " has a problem of dimension " + std::to_string(facts.dim) + ", worker 0 of " +
                                  std::to_string(dim) + "; do all read the same data?");
  if (facts.blocks != facts_.front().blocks)
    throw Failure(Exit::data,
                  who + " divides the vector into other matrices than worker 0; do all read the same data?");
  require_same_data(worker, facts);
  data_[worker] = {facts.data_digest, facts.own_data};
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

void Server::make_plugins() {
  mechanism_.emplace(config_->mechanism, membership_);
  if (config_->measure) measurements_.emplace(*mechanism_);
  aggregate_.emplace(*mechanism_, membership_, ledgers());
  points_.emplace(membership_.dtype, membership_.dim, membership_.workers);
  downlink_.emplace(*config_, membership_, *iterate_);
  if (resumed_ == nullptr) downlink_->begin();
  gradient_.resize(membership_.dim);
  const std::uint64_t longest = longest_message(*config_, *mechanism_);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) channel_->limit(member_of(worker), longest);
}

std::optional<Ledger::Shrinks> Server::ledgers() const {
  // Who may miss a round in which all others reset has a g_i that must not be lost with theirs.
  const bool may_miss = config_->faults.round_deadline || config_->participation < 1 || fewest() < config_->workers;
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
  double squares = 0;
  for (const WorkerFacts& facts : facts_) squares += facts.L_i * facts.L_i;
  Smoothness known = {std::sqrt(squares / static_cast<double>(facts_.size())), facts_.front().L_minus,
                      facts_.front().hessian_spread};
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
  for (std::size_t worker = 0; worker < facts_.size(); ++worker)
    if (!facts_[worker].has_curvature)
      throw Failure(Exit::usage, "worker " + std::to_string(worker) + " knows neither L_minus nor a curvature product");
  std::uint64_t request = 0;
  return largest_eigenvalue(membership_.dim, [&](std::span<const double> v, std::span<double> out) {
    const std::size_t size = v.size_bytes();
    channel_->broadcast(MessageType::curvature, request, {reinterpret_cast<const std::uint8_t*>(v.data()), size});
    std::fill(out.begin(), out.end(), 0.0);
    for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
      if (!here_[worker]) continue;
      const tpc_message reply =
          channel_->expect(member_of(worker), MessageType::curvature, request, "a curvature product");
      if (reply.size != size)
        throw Failure(Exit::peer, "worker " + std::to_string(worker) + " sent a curvature product of the wrong size");
      const tpc::Values<double> product(reply.data);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += product[i] / static_cast<double>(facts_.size());
    }
    ++request;
  });
}

}  // namespace threepc
