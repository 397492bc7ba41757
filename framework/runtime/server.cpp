#include "runtime/server.hpp"

#include <algorithm>
#include <cmath>
#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/context.hpp>
#include <threepc/sdk/vectors.hpp>

#include "record/log.hpp"
#include "runtime/lanczos.hpp"
#include "runtime/message_bounds.hpp"
#include "runtime/schedule.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t optimizer_stream = 2;
constexpr std::uint32_t participation_stream = 5;
constexpr std::uint32_t member_of(std::uint32_t worker) { return worker + 1; }

void list_plugins(const PluginSpec& spec, std::vector<Summary::Plugin>& out) {
  const tpc_descriptor& d = *spec.descriptor;
  out.push_back({kind_name(d.kind), d.id, d.version, spec.place});
  for (const PluginSpec& child : spec.children) list_plugins(child, out);
}

template <class T>
void add_gradient(const std::uint8_t* bytes, std::vector<double>& sum) {
  const tpc::Values<T> values(bytes);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

}  // namespace

Server::Server(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress)
    : config_(&config),
      channel_(&channel),
      directory_(&directory),
      progress_(&progress),
      membership_{config.dtype, 0, config.workers, TPC_SERVER, config.seed},
      roster_(config, channel, *this),
      injector_(config.faults.inject, Injection::the_server),
      memories_(config.workers),
      writer_(directory.folder()) {
  summary_.multiplier = config.multiplier;
  summary_.workers = config.workers;
  summary_.transport = config.transport.descriptor->id;
  for (const PluginSpec* spec : {&config.problem, &config.mechanism, &config.optimizer, &config.transport})
    list_plugins(*spec, summary_.plugins);
}

Summary Server::run() {
  try {
    rounds();
  } catch (const Interrupted&) {
    finish("interrupted");
  } catch (const Failure& failure) {
    channel_->broadcast_failure(failure);
    channel_->close();
    directory_->sync();
    throw;
  }
  return summary_;
}

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

void Server::rounds() {
  prepare();
  last_checkpoint_ = host_services().now();
  started_ = last_checkpoint_ - static_cast<std::int64_t>(metrics_.seconds * 1e9);
  in_rounds_ = true;
  for (std::uint64_t round = resumed_ != nullptr ? absorbed_round_ + 1 : 0;; ++round) {
    const std::int64_t began = host_services().now();
    injector_.act(round, Injection::When::receive);
    roster_.admit(round);
    send_model(round, wants_evaluation(round));
    roster_.collect();
    if (pending_) write_checkpoint();
    absorb(round);
    injector_.act(round, Injection::When::send);
    if (!finish_round(round)) return;
    longest_round_ = std::max(longest_round_, host_services().now() - began);
  }
}

/// What follows the updates. False: the run is over.
bool Server::finish_round(std::uint64_t round) {
  if (wants_evaluation(round)) {
    evaluate(round);
    record(round);
    if (should_stop(round)) return false;
  }
  if (!aggregate_->mean(g_)) {
    explain_nonfinite(round);
    finish("diverged");
    return false;
  }
  step(round);
  if (StopSignals::requested()) {
    begin_checkpoint(round);
    write_checkpoint();
    throw Interrupted{};
  }
  if (wants_checkpoint(round)) begin_checkpoint(round);
  return true;
}

bool Server::wants_evaluation(std::uint64_t round) const {
  return round % config_->evaluate_every == 0 || round == config_->rounds;
}

/// Begins with [workers] start of them, rank 0 among them, because it knows x^0.
void Server::take_in_workers() {
  here_.assign(config_->workers, false);
  for (std::uint32_t worker = 1; worker < config_->workers; ++worker)
    channel_->limit(member_of(worker), longest_before_dimension);
  const auto enough = [this] {
    greet();
    return here_[0] && std::count(here_.begin(), here_.end(), true) >= config_->start;
  };
  if (config_->start < config_->workers)
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
    here_[worker] =
        heard.what == Heard::What::message && heard.message.type == static_cast<std::uint32_t>(MessageType::hello);
  }
}

void Server::take_in(std::uint32_t worker) {
  const tpc_message message = channel_->expect(member_of(worker), MessageType::facts, 0, "the problem's facts");
  std::span<const std::uint8_t> rest = payload_of(message);
  facts_.push_back(take_worker_facts(rest));
  check_facts(worker, facts_.back());
  if (worker > 0) return;
  // Before anything of that size is allocated: the dimension is what a peer says.
  if (rest.size() != facts_.front().dim * size_of(membership_.dtype))
    throw Failure(Exit::peer, "worker 0 sent an x^0 of the wrong size");
  x_ = g_ = last_finite_ = RawVector(membership_.dtype, facts_.front().dim);
  std::memcpy(x_.data(), rest.data(), x_.size_bytes());
  last_finite_ = x_;
}

void Server::check_facts(std::uint32_t worker, const WorkerFacts& facts) const {
  const std::uint32_t dim = facts_.front().dim;
  if (facts.dim != dim)
    throw Failure(Exit::data, "worker " + std::to_string(worker) + " has a problem of dimension " +
                                  std::to_string(facts.dim) + ", worker 0 of " + std::to_string(dim) +
                                  "; do all read the same data?");
  if (facts.blocks != facts_.front().blocks)
    throw Failure(Exit::data, "worker " + std::to_string(worker) +
                                  " divides the vector into other matrices than worker 0; do all read the same data?");
}

void Server::make_plugins() {
  membership_.dim = summary_.dim = facts_.front().dim;
  membership_.blocks = facts_.front().blocks;
  mechanism_.emplace(config_->mechanism, membership_);
  if (config_->measure) measurements_.emplace(*mechanism_);
  // Who may miss a round in which all others reset has a g_i that must not be lost with theirs.
  const bool may_miss = config_->faults.round_deadline || config_->participation < 1;
  const bool together = (mechanism_->capabilities() & TPC_RESETS_TOGETHER) != 0;
  const bool lost_late = config_->faults.round_deadline.has_value();  // a late reset takes its g_i out of the sum
  aggregate_.emplace(*mechanism_, membership_, roster_.survives() || lost_late || (may_miss && together));
  optimizer_.emplace(config_->optimizer, membership_, optimizer_stream);
  for (std::uint32_t i = 0; i < config_->optimizer.descriptor->state_vectors; ++i)
    optimizer_state_.emplace_back(membership_.dtype, membership_.dim);
  for (RawVector& vector : optimizer_state_) optimizer_state_pointers_.push_back(vector.data());
  gradient_.resize(membership_.dim);
  const std::uint64_t longest = longest_message(*config_, *mechanism_);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) channel_->limit(member_of(worker), longest);
}

/// gamma as the user gave it or as theory says, times the multiplier.
void Server::decide_stepsize() {
  const TheoryConstants theory = mechanism_->constants();
  summary_.A = theory.A;
  summary_.B = theory.B;
  double squares = 0;
  for (const WorkerFacts& facts : facts_) squares += facts.L_i * facts.L_i;
  summary_.L_plus = std::sqrt(squares / static_cast<double>(facts_.size()));
  summary_.L_minus = facts_.front().L_minus;
  if (config_->stepsize) {
    summary_.stepsize = *config_->stepsize * config_->multiplier;
    return;
  }
  summary_.stepsize = config_->multiplier * theoretical_stepsize(theory);
}

/// 1 / (L_minus + L_plus sqrt(B / A)) (3PC, Theorem 5.5); with B_spread, the part of B that goes with the Hessian
/// variance in place of L_plus (Szlendak, Tyurin, Richtarik 2022, Theorem 4). Under the PL condition with constant mu,
/// min{1 / (L_minus + L_plus sqrt(2B / A)), A / (2 mu)} (3PC, Theorem 5.8).
double Server::theoretical_stepsize(const TheoryConstants& theory) {
  const std::string cure = "; give [optimizer] stepsize a number instead of \"theory\"";
  if (config_->batch || config_->momentum < 1)
    throw Failure(Exit::usage, std::string("no step size follows from theory: it speaks of exact gradients, and this "
                                           "run has ") +
                                   (config_->batch ? "[workers] batch" : "[mechanism] momentum") + cure);
  if (config_->participation < 1)
    throw Failure(Exit::usage,
                  "no step size follows from theory: it speaks of rounds in which all workers take part, "
                  "and this run has [workers] participation" +
                      cure);
  if ((config_->optimizer.descriptor->capabilities & TPC_GRADIENT_STEP) == 0)
    throw Failure(Exit::usage, "no step size follows from theory: it speaks of steps x - gamma g, and the " +
                                   optimizer_->name() + " makes others" + cure);
  if (std::isnan(theory.A))
    throw Failure(Exit::usage, "no step size follows from theory: the " + mechanism_->name() +
                                   " has no known constants A and B" + cure);
  if (std::isnan(summary_.L_plus))
    throw Failure(Exit::usage, "no step size follows from theory: the problem '" +
                                   std::string(config_->problem.descriptor->id) + "' knows no smoothness constants" +
                                   cure);
  if (std::isnan(summary_.L_minus)) summary_.L_minus = network_smoothness();
  const double spread = facts_.front().hessian_spread;
  const double shared = std::isnan(theory.B_spread) || std::isnan(spread) ? 0 : theory.B_spread;
  const double L_plus_sq = summary_.L_plus * summary_.L_plus;
  const double error = ((theory.B - shared) * L_plus_sq + (shared > 0 ? shared * spread * spread : 0)) / theory.A;
  const double general = 1 / (summary_.L_minus + std::sqrt((config_->mu ? 2 : 1) * error));
  const double stepsize = config_->mu ? std::min(general, theory.A / (2 * *config_->mu)) : general;
  if (!std::isfinite(stepsize))
    throw Failure(Exit::usage,
                  "the step size that follows from theory is not finite, because L_minus and L_plus are 0" + cure);
  return stepsize;
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

void Server::send_model(std::uint64_t round, bool evaluate) {
  const std::vector<bool> sampled = sample(round);
  const std::uint32_t asked = roster_.ask(round, evaluate, {x_.bytes(), x_.size_bytes()}, sampled);
  downlink_bytes_ += asked * x_.size_bytes();
}

/// Which workers take part in a round: each by itself with probability [workers] participation (EF21-PP: Fatkhullin,
/// Sokolov, Gorbunov, Li, Richtarik 2021, arXiv 2110.03294, Algorithm 4), all in round 0. Empty: all.
std::vector<bool> Server::sample(std::uint64_t round) const {
  if (config_->participation == 1 || round == 0) return {};
  std::vector<bool> sampled;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const tpc_context context = {
        sizeof(tpc_context), worker, config_->workers, participation_stream, config_->seed, round, NAN, nullptr};
    tpc::Random random(host_services(), context, tpc::Scope::own);
    sampled.push_back(random.uniform() < config_->participation);
  }
  return sampled;
}

/// In worker order: that is what makes the bits of g the same everywhere.
void Server::absorb(std::uint64_t round) {
  metrics_.skipped = 0;
  aggregate_->begin_round(round, roster_.absent());
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto& update = roster_.update(worker);
    if (!update) {
      metrics_.skipped += aggregate_->is_member(worker);
      continue;
    }
    try {
      const Aggregate::Absorbed absorbed = aggregate_->absorb(worker, *update);
      count(absorbed, update->size());
      metrics_.skipped += absorbed.skipped;
    } catch (const Failure& failure) {
      throw Failure(failure.code(), "round " + std::to_string(round) + ": the update of worker " +
                                        std::to_string(worker) + ": " + failure.what());
    }
  }
  absorbed_round_ = round;
  absorbed_x_ = x_;
}

void Server::absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program) {
  count(aggregate_->absorb_late(round, worker, program), program.size());
}

void Server::count(const Aggregate::Absorbed& absorbed, std::size_t bytes) {
  values_ += absorbed.values;
  uplink_bytes_ += bytes;
}

/// The true f and its gradient, unavailable while a worker is.
void Server::evaluate(std::uint64_t round) {
  metrics_.f = 0;
  complete_ = true;
  double members = 0;
  if (measurements_) measurements_->begin_round();
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (!aggregate_->is_member(worker)) continue;
    const auto message = roster_.evaluation(worker);
    complete_ = message && add_evaluation(worker, *message) && complete_;
    ++members;
  }
  for (double& entry : gradient_) entry /= members;
  metrics_.f = complete_ ? metrics_.f / members : NAN;
  metrics_.grad_norm_sq = complete_ ? tpc::norm_sq(std::span<const double>(gradient_)) : NAN;
  metrics_.measured.clear();
  if (measurements_ && complete_) finish_measurements(round);
}

bool Server::add_evaluation(std::uint32_t worker, std::span<const std::uint8_t> message) {
  const std::size_t expected = sizeof(double) + x_.size_bytes();
  const std::size_t measured = measurements_ ? Measurements::doubles(*mechanism_) * sizeof(double) : 0;
  if (message.size() != expected + measured)
    throw Failure(Exit::peer, "worker " + std::to_string(worker) + " sent an evaluation of the wrong size");
  metrics_.f += tpc::Values<double>(message.data())[0];
  if (membership_.dtype == TPC_F32)
    add_gradient<float>(message.data() + sizeof(double), gradient_);
  else
    add_gradient<double>(message.data() + sizeof(double), gradient_);
  if (measurements_) measurements_->add(message.subspan(expected, measured));
  return true;
}

/// With ||g - grad f||^2, which the server alone knows, and a word about every constant that does not hold.
void Server::finish_measurements(std::uint64_t round) {
  static_cast<void>(aggregate_->mean(g_));  // whether it is finite is asked where g is used
  double gap = 0;
  for (std::size_t i = 0; i < gradient_.size(); ++i) {
    const double g = membership_.dtype == TPC_F32 ? double{static_cast<const float*>(g_.data())[i]}
                                                  : static_cast<const double*>(g_.data())[i];
    gap += (g - gradient_[i]) * (g - gradient_[i]);
  }
  metrics_.measured = measurements_->finish_round(round, gap);
  for (const std::string& warning : measurements_->take_warnings())
    warn("round " + std::to_string(round) + ": " + warning);
}

void Server::warn(const std::string& text) {
  progress_->end_line();
  log_warning(text);
}

void Server::record(std::uint64_t round) {
  const double workers = config_->workers;
  metrics_.round = round;
  metrics_.uplink_floats_per_worker = static_cast<double>(values_) / workers;
  metrics_.uplink_bits_per_worker = 8 * static_cast<double>(uplink_bytes_) / workers;
  metrics_.downlink_bits_per_worker = 8 * static_cast<double>(downlink_bytes_) / workers;
  const tpc_traffic traffic = channel_->transport().traffic();
  metrics_.wire_bytes = wire_bytes_before_ + traffic.wire_sent + traffic.wire_received;
  metrics_.seconds = static_cast<double>(host_services().now() - started_) * 1e-9;
  diverged_ = complete_ && !(std::isfinite(metrics_.f) && std::isfinite(metrics_.grad_norm_sq));
  chain_.add(x_.data(), x_.size_bytes());
  directory_->add(metrics_);
  progress_->show(metrics_);
  if (!diverged_) std::memcpy(last_finite_.data(), x_.data(), x_.size_bytes());
}

bool Server::should_stop(std::uint64_t round) {
  const StopRules& stop = config_->stop;
  const auto reached = [](const std::optional<double>& bound, double value) { return bound && value <= *bound; };
  const auto spent = [](const std::optional<double>& bound, double value) { return bound && value >= *bound; };
  const char* reason = nullptr;
  if (diverged_) {
    explain_nonfinite(round);
    reason = "diverged";
  } else if (reached(stop.grad_norm, std::sqrt(metrics_.grad_norm_sq)))
    reason = "grad_norm";
  else if (reached(stop.grad_norm_sq, metrics_.grad_norm_sq))
    reason = "grad_norm_sq";
  else if (spent(stop.uplink_bits_per_worker, metrics_.uplink_bits_per_worker))
    reason = "uplink_bits_per_worker";
  else if (spent(stop.seconds, metrics_.seconds))
    reason = "seconds";
  else if (round >= config_->rounds)
    reason = "rounds";
  if (reason == nullptr) return false;
  finish(reason);
  return true;
}

/// Asks the workers whether a plugin made the NaN. If none accuses one, the method has diverged.
void Server::explain_nonfinite(std::uint64_t round) {
  roster_.announce(MessageType::diagnose, round);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto culprit = roster_.diagnosis(worker);
    if (!culprit || culprit->empty()) continue;
    throw Failure(Exit::plugin, "round " + std::to_string(round) + ": " + text_of(*culprit) +
                                    " misbehaved: the gradients of worker " + std::to_string(worker) +
                                    " are finite, but its message decodes to NaN or infinity");
  }
}

void Server::step(std::uint64_t round) {
  const double stepsize = summary_.stepsize * schedule_factor(config_->schedule, round, config_->rounds);
  optimizer_->step(optimizer_->context(round, TPC_SERVER, stepsize), g_.data(), x_.data(),
                   optimizer_state_pointers_.data());
}

void Server::finish(const std::string& stopped_by) {
  summary_.stopped_by = stopped_by;
  summary_.last = metrics_;
  summary_.worker_losses = roster_.losses();
  summary_.x_hash = chain_.hex();
  if (summary_.dim > 0) directory_->save_model(last_finite_);
  try {
    channel_->broadcast(MessageType::stop, metrics_.round, {});
  } catch (const Failure&) {
    // a worker that is gone already has nothing left to do
  }
  // Before the farewell, which takes its time: mpirun, say, grants one second after SIGTERM.
  if (const std::string fault = writer_.wait(); !fault.empty()) warn(fault);
  directory_->finish(summary_);
  channel_->close();
}

}  // namespace threepc
