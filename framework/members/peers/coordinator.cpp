#include "members/peers/coordinator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <threepc/sdk/vectors.hpp>
#include <utility>

#include "members/message_bounds.hpp"
#include "record/log.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

constexpr double rounding = 1e-16;     // of a squared norm
constexpr std::uint64_t window = 100;  // rounds in which a consensus error should not grow

bool remembers(const RunConfig& config) {
  const CheckpointRules& rules = config.checkpoint;
  return rules.at_end || rules.every_rounds || rules.every_seconds ||
         config.faults.on_worker_loss == Faults::OnLoss::wait;
}

/// Whether a node's gradient is wanted in round 0.
bool asks_at_once(const tpc_peers& method) { return method.order == TPC_ADAPT_THEN_COMBINE || method.begin != nullptr; }

std::string brief(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

Coordinator::Coordinator(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress)
    : Conductor(config, channel, directory, progress),
      network_(network_of(config)),
      published_count_(find_peers(config.optimizer)->published_count),
      divides_(find_peers(config.optimizer)->divides != 0),
      begins_with_gradient_(asks_at_once(*find_peers(config.optimizer))),
      relay_(exchanges_of(config.problem), config.workers),
      watched_(exchanges_of(config.problem), config.workers),
      metrics_(config.problem) {}

void Coordinator::make_parts() {
  for (std::size_t k = 0; k < published_count_; ++k)
    replicas_.emplace_back(config_->mechanism, publishing_membership(membership_, k));
  consensus_ = consensus_of(*config_, replicas_.front());
  weights_.emplace(network_->columns, consensus_);
  log_.emplace(*config_, *network_, replicas_.front(), remembers(*config_));
  scratch_ = mean_ = RawVector(membership_.dtype, membership_.dim);
  resets_.resize(published_count_);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    channel_->limit(tpc::member_of_worker(worker), longest_from_worker());
  log_info(std::to_string(network_->graph.links().size()) + " links, relayed by the server; consensus = " +
           brief(consensus_) + (config_->consensus ? "" : " (half the alpha of the compressor: a rule, not theory)"));
}

void Coordinator::decide_stepsize() { summary_.stepsize = config_->multiplier * *config_->stepsize; }

std::uint64_t Coordinator::longest_from_worker() const {
  return std::max({longest_node_state(*config_, *network_, replicas_.front()),
                   longest_publication(*config_, replicas_.front()),
                   longest_message(*config_, replicas_.front(), longest_parcels())});
}

void Coordinator::dismiss(std::uint32_t worker) {
  throw Failure(Exit::peer, worker_name(worker) +
                                " has left for good, and a graph does not go on without one of its workers; resume the "
                                "run with a worker in its place");
}

Downlink::Letter Coordinator::letter(std::uint32_t worker) {
  if (phase_ == Phase::mail) return {Form::mail, mail_[worker]};
  return {Form::model, {mean_.bytes(), mean_.size_bytes()}};
}

bool Coordinator::play(std::uint64_t round) {
  injector_.act(round, Injection::When::receive);
  roster_.admit(round);
  begin_round(round);
  exchange(round);
  {
    const Profile::Scope waiting = in(threepc::Phase::wait);
    roster_.collect();
  }
  if (asked_) take_states();
  take_in(round);
  injector_.act(round, Injection::When::send);
  return finish_round(round);
}

void Coordinator::begin_round(std::uint64_t round) {
  journal_.begin_round(round, evaluation_bytes());
  open_round_ = round;
  published_bytes_before_ = published_bytes_;
  const Profile::Scope sending = in(threepc::Phase::send);
  phase_ = Phase::mail;
  mail_.clear();
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    mail_.push_back(round == 0 ? first_mail(*network_) : mail_for(worker, *network_, log_->last()));
  roster_.ask(round, is_watched(), {});
}

/// What the workers' problems say to each other before a gradient is known.
void Coordinator::exchange(std::uint64_t round) {
  if (relay_.exchanges() == 0 || (round == 0 && !begins_with_gradient_)) return;
  const Profile::Scope waiting = in(threepc::Phase::wait);
  relay_.begin_round(round);
  roster_.exchange(relay_, false);
}

/// What a run that goes on needs of the workers' publications, once all are sound.
void Coordinator::take_in(std::uint64_t round) {
  const Profile::Scope absorbing = in(threepc::Phase::absorb);
  journal_.line().skipped = 0;
  std::vector<Bytes> published;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    published.push_back(publication_of(round, worker));
  log_->note(round, std::move(published), relay_.histories());
  if (round > 0) weights_->step();
  absorbed_round_ = round;
  began_ = true;
}

/// Sealed, as its neighbours get it. One that cannot be decoded is its sender's fault, who is told, and may try again.
Bytes Coordinator::publication_of(std::uint64_t round, std::uint32_t worker) {
  while (const auto said = roster_.update(worker)) {
    try {
      count(round, worker, *said);
      return {said->data(), said->data() + said->size() + sizeof(std::uint64_t)};
    } catch (const tpc::Error& error) {
      roster_.refuse(worker,
                     Failure(Exit::peer, worker_name(worker) + " sent a malformed publication: " + error.what()));
    } catch (const Failure& failure) {
      if (failure.code() != Exit::peer) throw;
      roster_.refuse(worker, Failure(Exit::peer, "the publication of " + worker_name(worker) + ": " + failure.what()));
    }
  }
  dismiss(worker);
}

void Coordinator::count(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> publication) {
  std::uint64_t values = 0, bytes = 0;
  const auto programs = programs_of(publication, published_count_);
  for (std::size_t k = 0; k < programs.size(); ++k) {
    bytes += programs[k].size();
    const std::vector<Operation> program = parse_program(programs[k]);
    require_played(round, worker, k, program);
    for (const Operation& operation : program)
      values +=
          replicas_[k].replay(operation, round, worker,
                              {sizeof(tpc_sum), scratch_.dtype(), scratch_.dim(), 0, scratch_.data(), nullptr, 0});
  }
  const std::uint64_t links = network_->graph.out_degree(worker);
  journal_.count_update(links * values, links * bytes);
  journal_.line().skipped += bytes == 0;
  published_bytes_ += bytes;
}

/// What the mechanism never does would be every listener's failure, and is its sender's here. In round 0 all begin.
void Coordinator::require_played(std::uint64_t round, std::uint32_t worker, std::size_t k,
                                 const std::vector<Operation>& program) {
  const std::uint32_t can = replicas_[k].capabilities();
  const bool resets = last_reset(program) >= 0, together = (can & TPC_RESETS_TOGETHER) != 0,
             alone = (can & TPC_RESETS_ALONE) != 0;
  const auto lends = [](const Operation& operation) { return operation.kind == OperationKind::lend; };
  const bool may_not_lend = alone && std::any_of(program.begin(), program.end(), lends);
  const bool may_not_reset = resets && !together && !alone, parts = together && !alone && resets != resets_[k];
  if (worker == 0) resets_[k] = resets;
  if (round > 0 && (may_not_lend || may_not_reset || (worker > 0 && parts)))
    throw Failure(Exit::peer, "malformed message: it " + std::string(may_not_lend ? "lends" : "resets") +
                                  " where the " + replicas_[k].name() +
                                  (parts ? " has others do otherwise" : " never does"));
}

/// If one of them is missing, what the log has is as good, until the next time.
void Coordinator::take_states() {
  asked_ = false;
  std::vector<Bytes> states;
  for (auto& state : roster_.take_snapshots())
    if (state) states.push_back(std::move(*state));
  if (states.size() == config_->workers) log_->restart(absorbed_round_, std::move(states));
}

bool Coordinator::finish_round(std::uint64_t round) {
  if (is_watched()) watch(round);
  if (!finite_ || diverged_) return finish("diverged"), false;
  if (!goes_on(is_watched() ? journal_.reason_to_stop() : nullptr)) return false;
  if (wants_checkpoint(round)) write_checkpoint(round);
  if (log_->is_full()) asked_ = true, roster_.request_snapshots(round);
  return true;
}

/// The round's line: where all are, and how f is at their mean.
void Coordinator::watch(std::uint64_t round) {
  const Profile::Scope evaluating = in(threepc::Phase::evaluate);
  Metrics& line = journal_.line();
  line.round = round;
  line.f = line.grad_norm_sq = std::nan("");
  line.measured.clear();
  line.metrics.clear();
  const std::vector<RawVector> all = gather_x();
  mean_ = mean_of(all);
  const double error = consensus_error(all, mean_);
  finite_ = std::isfinite(error);
  if (finite_ && config_->evaluate != Evaluate::off) evaluate(round, mean_);
  line.measured = {{"consensus", error},
                   {"published_bits_per_worker", 8 * static_cast<double>(published_bytes_) / config_->workers}};
  if (relay_.exchanges() > 0) line.measured.push_back({"exchange_bits_per_worker", relay_.bits_per_worker()});
  judge_consensus(round, error);
  if (finite_ && config_->evaluate != Evaluate::off)
    if (const auto why = journal_.divergence()) {
      diverged_ = true;
      if (!why->empty()) warn("round " + std::to_string(round) + ": " + *why);
    }
  Bytes hashed;
  for (const RawVector& x : all) append(hashed, x);
  journal_.record(hashed, wire_bytes());
  if (finite_ && !diverged_) last_finite_ = mean_;
}

std::uint64_t Coordinator::evaluation_bytes() const {
  const std::uint64_t x = scratch_.size_bytes();
  const std::uint64_t f = config_->evaluate == Evaluate::off ? 0 : sizeof(double) + 2 * x;
  return config_->workers * (x + f);
}

std::span<const std::uint8_t> Coordinator::evaluation_of(std::uint32_t worker, std::size_t size) {
  for (;;) {
    const auto said = roster_.evaluation(worker);
    if (!said) dismiss(worker);
    if (said->size() == size) return *said;
    roster_.expel(worker,
                  Failure(Exit::peer, worker_name(worker) + " sent an evaluation of " + std::to_string(said->size()) +
                                          " bytes, " + std::to_string(size) + " expected"));
  }
}

std::vector<RawVector> Coordinator::gather_x() {
  std::vector<RawVector> all(config_->workers, RawVector(membership_.dtype, membership_.dim));
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto said = evaluation_of(worker, scratch_.size_bytes());
    if (!said.empty()) std::memcpy(all[worker].data(), said.data(), said.size());
    journal_.count_evaluation(said.size());
  }
  return all;
}

RawVector Coordinator::mean_of(const std::vector<RawVector>& all) const {
  ExactVector sum(TPC_F64, membership_.dim);
  for (const RawVector& x : all) add_values(membership_.dtype, {x.bytes(), x.size_bytes()}, sum.target());
  RawVector mean(membership_.dtype, membership_.dim);
  divide(sum, config_->workers, mean);
  return mean;
}

/// (1/n) sum_i ||z_i - mean||^2, of the estimates z_i.
double Coordinator::consensus_error(const std::vector<RawVector>& all, const RawVector& mean) const {
  double sum = 0;
  std::vector<double> z(membership_.dim);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    std::fill(z.begin(), z.end(), 0.0);
    add_scaled(1, all[worker], z);
    for (double& value : z) value /= divides_ ? weights_->of(worker) : 1;
    sum += distance_sq(mean, z);
  }
  return sum / config_->workers;
}

void Coordinator::evaluate(std::uint64_t round, const RawVector& mean) {
  phase_ = Phase::evaluation;
  const std::span<const std::uint8_t> bytes(mean.bytes(), mean.size_bytes());
  roster_.announce(MessageType::evaluate, round, bytes);
  if (watched_.exchanges() > 0) exchange_for_evaluation(round);
  metrics_.begin_round();
  double f = 0;
  std::vector<double> gradient(membership_.dim);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto said = evaluation_of(worker, sizeof(double) + bytes.size() + metrics_.bytes());
    metrics_.add(said.last(metrics_.bytes()));
    f += tpc::Values<double>(said.data())[0];
    add_values(membership_.dtype, said.data() + sizeof(double), gradient);
    journal_.count_evaluation(said.size() + bytes.size());
  }
  for (double& entry : gradient) entry /= config_->workers;
  journal_.line().f = f / config_->workers;
  journal_.line().grad_norm_sq = tpc::norm_sq(std::span<const double>(gradient));
  metrics_.report(true, journal_.line());
}

void Coordinator::exchange_for_evaluation(std::uint64_t round) {
  const std::uint64_t before = watched_.bytes();
  watched_.begin_round(round);
  roster_.exchange(watched_, true);
  journal_.count_evaluation(watched_.bytes() - before);
}

/// The mean is conserved even where each x_i grows without bound, so f alone does not tell. Growth is against how large
/// the mean was at first, or, where all began at zero, against the first error: what equal x differ by is rounding.
void Coordinator::judge_consensus(std::uint64_t round, double error) {
  if (scale_ == 0) scale_ = std::max(error, norm_sq(mean_));
  const double growth = std::sqrt(error / scale_);
  if (!finite_ || growth > config_->stop.divergence) {
    diverged_ = true;
    return warn("round " + std::to_string(round) + ": the workers part: their distance from their mean has grown " +
                brief(growth) + "-fold; lower optimizer.consensus (now " + brief(consensus_) + ")");
  }
  if (round < window_round_ + window) return;
  const bool grows = window_error_ > rounding * norm_sq(mean_) && error > 4 * window_error_;
  if (grows && !std::exchange(warned_, true))
    warn("round " + std::to_string(round) + ": the consensus error has grown " + brief(error / window_error_) +
         "-fold in " + std::to_string(round - window_round_) + " rounds; a lower optimizer.consensus (now " +
         brief(consensus_) + ") or stepsize may help");
  window_round_ = round;
  window_error_ = error;
}

void Coordinator::write_checkpoint(std::uint64_t round) {
  Checkpoint whole = server_part(round);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) whole.workers[worker] = log_->restoration(worker);
  write(std::move(whole));
}

void Coordinator::save_own(Checkpoint& out) {
  append(out.server, last_finite_);
  append(out.server, published_bytes_);
  append(out.server, scale_);
  append(out.server, window_error_);
  append(out.server, window_round_);
  for (const double y : weights_->values()) append(out.server, y);
  for (const Bytes& said : log_->last()) {
    append(out.server, std::uint64_t{said.size()});
    append(out.server, std::span<const std::uint8_t>(said));
  }
  if (relay_.exchanges() > 0) append(out.server, relay_.bytes());
}

void Coordinator::load_own(const Checkpoint& from) {
  tpc::Reader in(from.server.data(), from.server.size());
  take(in, last_finite_);
  published_bytes_ = in.get<std::uint64_t>();
  scale_ = in.get<double>();
  window_error_ = in.get<double>();
  window_round_ = in.get<std::uint64_t>();
  for (double& y : weights_->values()) y = in.get<double>();
  std::vector<Bytes> last;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto said = in.take_span(in.get<std::uint64_t>());
    last.emplace_back(said.begin(), said.end());
  }
  if (relay_.exchanges() > 0) relay_.resume(in.get<std::uint64_t>());
  in.finish();
  log_->resume(from.round, from.workers, std::move(last));
  began_ = true;
}

void Coordinator::restore_workers() { roster_.restore_all(absorbed_round_, resumed_->workers); }

void Coordinator::undo_open_round() {
  if (!open_round_) return;
  if (absorbed_round_ == *open_round_ && began_) {
    if (!log_->remembers())
      throw Failure(Exit::unexpected,
                    "the round was not over, and with [checkpoint] at_end = false nobody knows what "
                    "was before it");
    log_->undo();
  }
  journal_.undo_round();
  relay_.undo_round(*open_round_);
  published_bytes_ = published_bytes_before_;
  absorbed_round_ = *std::exchange(open_round_, std::nullopt) - 1;
}

void Coordinator::leave_state(bool asking) {
  if (!in_rounds_ || open_round_ == 0 || !began_) return;
  try {
    const bool whole = !open_round_;
    undo_open_round();
    if (saved_round_ == absorbed_round_) return;
    if (!log_->remembers()) {
      if (!asking || !whole)
        throw Failure(Exit::unexpected, "with [checkpoint] at_end = false only the workers know their state");
      roster_.request_snapshots(absorbed_round_);
      take_states();
    }
    write_checkpoint(absorbed_round_);
  } catch (const Failure& failure) {
    warn("no checkpoint of the last whole round: " + std::string(failure.what()));
  }
}

}  // namespace threepc
