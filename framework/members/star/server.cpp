#include "members/star/server.hpp"

#include <algorithm>
#include <cmath>
#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/context.hpp>

#include "method/schedule.hpp"
#include "plugin/host_services.hpp"
#include "plugin/streams.hpp"

namespace threepc {
namespace {

bool has_state(const PluginSpec& spec) {
  return spec.descriptor->state_vectors > 0 || std::any_of(spec.children.begin(), spec.children.end(), has_state);
}

}  // namespace

Server::Server(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress)
    : Conductor(config, channel, directory, progress),
      relay_(exchanges_of(config.problem), config.workers),
      memories_(config.workers) {
  has_memory_ = config.momentum < 1 || has_state(config.mechanism);
}

bool Server::play(std::uint64_t round) {
  injector_.act(round, Injection::When::receive);
  roster_.admit(round);
  begin_round(round);
  if (relay_.exchanges() > 0) exchange(round);
  collect();
  if (pending_) write_checkpoint();
  if (renewing_) renew_ledgers();
  absorb(round);
  injector_.act(round, Injection::When::send);
  return finish_round(round);
}

void Server::begin_round(std::uint64_t round) {
  journal_.begin_round(round, evaluation_->size(round) * config_->workers);
  evaluation_->begin_round(round, journal_.reported());
  open_round_ = round;
  const Profile::Scope sending = in(Phase::send);
  downlink_->begin_round(round);
  roster_.ask(round, evaluation_->is_wanted(), sample(round));
}

/// What the workers' problems say to each other before a gradient is known.
void Server::exchange(std::uint64_t round) {
  const Profile::Scope waiting = in(Phase::wait);
  relay_.begin_round(round);
  roster_.exchange(relay_, false);
}

void Server::collect() {
  const Profile::Scope waiting = in(Phase::wait);
  roster_.collect();
}

/// What follows the updates. False: the run is over.
bool Server::finish_round(std::uint64_t round) {
  if (evaluation_->is_wanted()) gather_evaluations();
  average(round);
  count_round();
  if (journal_.reported()) report(round);
  if (!finite_ || diverged_) return finish("diverged"), false;
  const char* const reason = journal_.reported() ? journal_.reason_to_stop() : nullptr;
  step(round);
  absorbing_ = false;
  if (!goes_on(reason)) return false;
  if (wants_checkpoint(round))
    begin_checkpoint(round);
  else if (aggregate_->wants_states())
    renewing_ = true, roster_.request_snapshots(round);
  return true;
}

/// Which workers take part in a round: each by itself with probability [workers] participation (EF21-PP: Fatkhullin,
/// Sokolov, Gorbunov, Li, Richtarik 2021, arXiv 2110.03294, Algorithm 4), all in round 0. Empty: all.
std::vector<bool> Server::sample(std::uint64_t round) const {
  if (config_->participation == 1 || round == 0) return {};
  std::vector<bool> sampled;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const tpc_context context = {
        sizeof(tpc_context), worker, config_->workers, streams::participation, config_->seed, round, NAN, nullptr};
    tpc::Random random(host_services(), context, tpc::Scope::own);
    sampled.push_back(random.uniform() < config_->participation);
  }
  return sampled;
}

void Server::gather_evaluations() {
  const Profile::Scope evaluating = in(Phase::evaluate);
  evaluation_->gather([this](std::uint32_t worker) { return is_reported(worker); });
}

void Server::average(std::uint64_t round) {
  const Profile::Scope absorbing = in(Phase::absorb);
  finite_ = aggregate_->combine(iterate_->g());
  if (!blame_->is_moderate()) remove_guilty(round);
}

void Server::report(std::uint64_t round) {
  const Profile::Scope evaluating = in(Phase::evaluate);
  evaluate(round);
  record(round);
}

/// In worker order: that is what makes the bits of g the same everywhere.
void Server::absorb(std::uint64_t round) {
  const Profile::Scope measured = in(Phase::absorb);
  absorbing_ = true;
  aggregate_->begin_round(round, roster_.absent());
  points_->begin(round, downlink_->model());
  absorbed_.assign(config_->workers, std::nullopt);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (roster_.update(worker)) absorb_from(round, worker, false);
  absorbed_round_ = round;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (absorbed_[worker])
      points_->take_part(worker);
    else if (roster_.owes(worker, round))
      points_->owe(worker);
}

/// Until its update is one that can be decoded, or none. `again`: it takes the place of an earlier one.
void Server::absorb_from(std::uint64_t round, std::uint32_t worker, bool again) {
  while (const auto update = roster_.update(worker)) {
    try {
      const auto absorbed = again ? aggregate_->redo(worker, *update) : aggregate_->absorb(worker, *update);
      absorbed_[worker] = {absorbed, update->size()};
      evaluation_->keep_update(worker, *update);
      return;
    } catch (const Failure& failure) {
      const Failure named(failure.code(), "the update of worker " + std::to_string(worker) + ": " + failure.what());
      if (failure.code() != Exit::peer || !aggregate_->remembers())
        throw Failure(failure.code(), "round " + std::to_string(round) + ": " + named.what());
      aggregate_->redo(worker, std::nullopt);
      roster_.refuse(worker, named);
      again = true;
    }
  }
}

/// The worker's update of this round has not been, and it is told why; another may take its place.
void Server::replace_update(std::uint64_t round, std::uint32_t worker, const Failure& failure) {
  if (absorbed_[worker]) {
    aggregate_->redo(worker, std::nullopt);
    points_->undo(worker);
    absorbed_[worker].reset();
  }
  roster_.refuse(worker, failure);
  absorb_from(round, worker, true);
  if (absorbed_[worker]) points_->take_part(worker);
  if (evaluation_->is_wanted()) evaluation_->gather(worker);
}

/// g is not finite, or immense. The run goes on without the workers whose fault that is, or ends if it cannot. If it is
/// nobody's, the method diverges.
void Server::remove_guilty(std::uint64_t round) {
  constexpr int most_tries = 3;  // of one that comes back and does the same again
  blame_->judge_optimizer(round, summary_.stepsize);
  for (int tries = 0; !blame_->is_moderate() && tries < most_tries; ++tries) {
    evaluation_->keep();
    const Blame::Accused all = blame_->by_gradient(round, finite_);
    if (all.empty()) return;
    for (const auto& [worker, failure] : all) replace_update(round, worker, failure);
    finite_ = aggregate_->combine(iterate_->g());
  }
}

void Server::absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program) {
  count({aggregate_->absorb_late(round, worker, program), program.size()});
  points_->settle(worker);
}

void Server::dismiss(std::uint32_t worker) {
  aggregate_->remove(worker);
  points_->forget(worker);
  downlink_->forget(worker);
  memories_[worker].clear();
}

void Server::count_letter(std::uint32_t worker, bool asked) {
  const Downlink::Cost cost = downlink_->count(worker, asked);
  journal_.count_letter(cost.method);
  journal_.count_evaluation(cost.evaluation);
}

/// Its processor or its C library computes otherwise than the server's.
bool Server::distrust(std::uint32_t worker) {
  if (!downlink_->distrust(worker)) return false;
  journal_.count_letter(downlink_->model().size_bytes());
  warn("round " + std::to_string(*open_round_) + ": worker " + std::to_string(worker) +
       " computes another model from the same steps; from now on it is sent the model itself");
  return true;
}

void Server::count_round() {
  std::uint32_t& skipped = journal_.line().skipped;
  skipped = 0;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (absorbed_[worker]) count(*absorbed_[worker]);
    skipped += absorbed_[worker] ? absorbed_[worker]->what.skipped : is_reported(worker);
  }
}

/// The true f and its gradient, unavailable while a member is.
void Server::evaluate(std::uint64_t round) {
  journal_.line().round = round;
  evaluation_->conclude([this](std::uint32_t worker) { return is_reported(worker); }, iterate_->g(),
                        aggregate_->members());
  const Metrics& line = journal_.line();
  if (!evaluation_->is_complete()) return;
  if (!(std::isfinite(line.f) && std::isfinite(line.grad_norm_sq))) {
    const Blame::Accused guilty = blame_->by_evaluation(round, *evaluation_);
    for (const auto& [worker, failure] : guilty) roster_.expel(worker, failure);
    if (!guilty.empty()) return evaluation_->withdraw();
  }
  for (const std::string& warning : evaluation_->measure(round, iterate_->g()))
    warn("round " + std::to_string(round) + ": " + warning);
}

void Server::record(std::uint64_t round) {
  const auto why = evaluation_->is_complete() ? journal_.divergence() : std::nullopt;
  diverged_ = why.has_value();
  if (why && !why->empty()) warn("round " + std::to_string(round) + ": " + *why);
  if (relay_.exchanges() > 0)
    journal_.line().measured.push_back({"exchange_bits_per_worker", relay_.bits_per_worker()});
  journal_.record({iterate_->x().bytes(), iterate_->x().size_bytes()}, wire_bytes());
  if (!diverged_) std::memcpy(last_finite_.data(), iterate_->x().data(), iterate_->x().size_bytes());
}

void Server::step(std::uint64_t round) {
  const Profile::Scope measured = in(Phase::step);
  const double stepsize = summary_.stepsize * schedule_factor(config_->schedule, round, config_->rounds);
  stepping_ = true;
  downlink_->step(stepsize);
  stepping_ = false;
}

}  // namespace threepc
