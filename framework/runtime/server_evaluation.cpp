// What is reported of a round, and whose fault it is when its numbers are not finite.
#include <algorithm>
#include <cmath>
#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/vectors.hpp>

#include "runtime/server.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

/// A method that diverges passes through ever larger numbers. What is not finite at an x below this was made by
/// somebody.
constexpr double moderate_x = 1e9;

std::string accusation(std::uint32_t worker, const std::string& text) {
  return "worker " + std::to_string(worker) + ": " + text;
}

}  // namespace

/// The evaluations of all members that are here, before anybody is asked anything else.
void Server::gather_evaluations() {
  evaluations_.assign(config_->workers, std::nullopt);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (is_reported(worker)) gather_evaluation(worker);
}

std::size_t Server::measured_size() const {
  return measurements_ ? Measurements::doubles(*mechanism_) * sizeof(double) : 0;
}

/// Bytes of one worker's that count.
std::size_t Server::evaluation_size(std::uint64_t round) const {
  if (config_->evaluate == Evaluate::off) return 0;
  if (config_->evaluate == Evaluate::bound) return 2 * sizeof(double);
  return sizeof(double) + (update_is_gradient(*config_, round) ? 0 : last_finite_.size_bytes()) + measured_size();
}

/// Whether the evaluations of the open round lack the gradients, which are the updates.
bool Server::has_openings() const {
  const bool in_process = (config_->transport.descriptor->capabilities & TPC_IN_PROCESS) != 0;
  return !in_process && update_is_gradient(*config_, *open_round_);
}

/// Empty, if the worker's evaluation has none and its update is none either.
std::span<const std::uint8_t> Server::gradient_of(std::uint32_t worker) const {
  if (openings_.empty()) return evaluations_[worker]->subspan(sizeof(double), last_finite_.size_bytes());
  const std::vector<Operation> program = parse_program(openings_[worker]);
  const bool is_gradient = program.size() == 1 && program.front().kind == OperationKind::reset &&
                           program.front().codec == dense_codec &&
                           program.front().payload.size() == last_finite_.size_bytes();
  return is_gradient ? program.front().payload : std::span<const std::uint8_t>();
}

void Server::gather_evaluation(std::uint32_t worker) {
  const std::size_t counted = evaluation_size(*open_round_);
  const std::size_t gradient =
      config_->evaluate == Evaluate::exact && openings_.empty() ? last_finite_.size_bytes() : 0;
  const std::size_t expected =
      config_->evaluate == Evaluate::exact ? sizeof(double) + gradient + measured_size() : counted;
  evaluations_[worker] = roster_.evaluation(worker);
  if (!evaluations_[worker]) return;
  if (evaluations_[worker]->size() == expected) {
    tally_.evaluation_bytes += counted;
    return;
  }
  const std::size_t seen = std::exchange(evaluations_[worker], std::nullopt)->size();
  roster_.expel(worker,
                Failure(Exit::peer, "worker " + std::to_string(worker) + " sent an evaluation of " +
                                        std::to_string(seen) + " bytes, " + std::to_string(expected) + " expected"));
}

/// The true f and its gradient, unavailable while a member is.
void Server::evaluate(std::uint64_t round) {
  Metrics& metrics = tally_.last;
  metrics.measured.clear();
  if (config_->evaluate == Evaluate::off) {
    metrics.f = metrics.grad_norm_sq = NAN;
    complete_ = false;
    return;
  }
  sum_evaluations();
  if (config_->evaluate == Evaluate::bound) bound_gradient();
  if (complete_ && !(std::isfinite(metrics.f) && std::isfinite(metrics.grad_norm_sq)) && expel_the_infinite(round))
    metrics.f = metrics.grad_norm_sq = NAN, complete_ = false;
  if (measurements_ && complete_) finish_measurements(round);
}

void Server::sum_evaluations() {
  Metrics& metrics = tally_.last;
  double members = 0;
  metrics.f = 0;
  complete_ = true;
  if (measurements_) measurements_->begin_round();
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  gaps_ = 0;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (!is_reported(worker)) continue;
    ++members;
    complete_ = complete_ && evaluations_[worker];
    if (evaluations_[worker]) add_evaluation(worker, *evaluations_[worker]);
  }
  complete_ = complete_ && members > 0 && (config_->evaluate == Evaluate::exact || members == aggregate_->members());
  for (double& entry : gradient_) entry /= members;
  metrics.f = complete_ ? metrics.f / members : NAN;
  metrics.grad_norm_sq = complete_ ? tpc::norm_sq(std::span<const double>(gradient_)) : NAN;
}

void Server::add_evaluation(std::uint32_t worker, std::span<const std::uint8_t> message) {
  tally_.last.f += tpc::Values<double>(message.data())[0];
  if (config_->evaluate == Evaluate::bound) {
    gaps_ += tpc::Values<double>(message.data())[1];
    return;
  }
  const std::span<const std::uint8_t> gradient = gradient_of(worker);
  complete_ = complete_ && !gradient.empty();
  if (!gradient.empty()) add_values(membership_.dtype, gradient.data(), gradient_);
  if (measurements_) measurements_->add(message.last(measured_size()));
}

/// | ||grad f|| - ||g|| | <= ||g - grad f|| <= ((1/n) sum_i ||g_i - grad f_i||^2)^(1/2), and what rounding adds where g
/// and the g_i are of few digits. Stopping rules see the upper end.
void Server::bound_gradient() {
  Metrics& metrics = tally_.last;
  const double members = aggregate_->members();
  const double norm = std::sqrt(norm_sq(iterate_->g()));
  const double digits = membership_.dtype == TPC_F32 ? 0x1p-22 : 0x1p-50;
  const double gap = std::sqrt(gaps_ / members) * (1 + digits) + digits * norm;
  metrics.grad_norm_sq = complete_ ? (norm + gap) * (norm + gap) : NAN;
  metrics.measured.push_back({"grad_norm_lower", complete_ ? std::max(0.0, norm - gap) : NAN});
}

/// With ||g - grad f||^2, which the server alone knows, and a word about every constant that does not hold.
void Server::finish_measurements(std::uint64_t round) {
  tally_.last.measured = measurements_->finish_round(round, distance_sq(iterate_->g(), gradient_));
  for (const std::string& warning : measurements_->take_warnings())
    warn("round " + std::to_string(round) + ": " + warning);
}

// ---- whose fault it is

/// Members whose own f_i or gradient is not finite, while that of others is: their problem or its data made it. True if
/// there were any. If it is everybody, the method diverges.
bool Server::expel_the_infinite(std::uint64_t round) {
  const auto is_finite = [&](std::uint32_t worker) {
    const std::uint8_t* const message = evaluations_[worker]->data();
    if (config_->evaluate == Evaluate::bound) return all_finite(TPC_F64, message, 2);
    const std::span<const std::uint8_t> gradient = gradient_of(worker);
    return all_finite(TPC_F64, message, 1) &&
           all_finite(membership_.dtype, gradient.data(), gradient.size() / size_of(membership_.dtype));
  };
  std::vector<std::uint32_t> guilty;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (evaluations_[worker] && !is_finite(worker)) guilty.push_back(worker);
  if (guilty.empty() || !(largest_magnitude(iterate_->x()) < moderate_x) || is_everybody(guilty.size(), round))
    return false;
  for (const std::uint32_t worker : guilty)
    roster_.expel(worker,
                  Failure(Exit::plugin, accusation(worker, "problem '" + std::string(config_->problem.descriptor->id) +
                                                               "' (or its data) gives an f_i or a gradient that is "
                                                               "not finite")));
  return true;
}

/// In round 0 nobody can have diverged, and one worker alone has nobody to be compared with.
bool Server::is_everybody(std::size_t accused, std::uint64_t round) const {
  return accused > 1 && round > 0 && accused == aggregate_->members();
}

/// Whether g is of the size of numbers that a run has.
bool Server::is_moderate() const {
  const double limit = moderate_magnitude(membership_.dtype);
  return norm_sq(iterate_->g()) < limit * limit;
}

/// g is not finite, or immense. The run goes on without the workers whose fault that is, or ends if it cannot. If it is
/// nobody's, the method diverges.
void Server::remove_guilty(std::uint64_t round) {
  constexpr int most_tries = 3;  // of one that comes back and does the same again
  if (const std::string text = optimizer_fault(round); !text.empty()) throw Failure(Exit::plugin, text);
  for (int tries = 0; !is_moderate() && tries < most_tries; ++tries) {
    const Accused all = accused(round);
    if (all.empty()) return;
    for (const auto& [worker, text] : all) replace_update(round, worker, Failure(Exit::plugin, text));
    finite_ = aggregate_->mean(iterate_->g());
  }
}

Server::Accused Server::accused(std::uint64_t round) {
  if (finite_ && !(largest_magnitude(iterate_->x()) < moderate_x)) return {};
  Accused all = accused_by_themselves(round);
  return all.empty() ? accused_by_their_updates(round) : all;
}

/// The transport's memory is theirs until the next message of their worker.
void Server::keep_evaluations() {
  std::vector<Bytes> kept(config_->workers);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    auto& evaluation = evaluations_[worker];
    if (!evaluation) continue;
    kept[worker].assign(evaluation->begin(), evaluation->end());
    evaluation = kept[worker];
  }
  kept_evaluations_ = std::move(kept);  // whose memory stays where it is
}

/// Asks the workers whether a plugin of theirs made it.
Server::Accused Server::accused_by_themselves(std::uint64_t round) {
  Accused all;
  std::size_t problems = 0;
  const bool moderate = largest_magnitude(iterate_->x()) < moderate_x;
  if (is_evaluated()) keep_evaluations();
  roster_.announce(MessageType::diagnose, round);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto said = roster_.diagnosis(worker);
    if (!said || said->empty()) continue;
    const std::string text = text_of(*said);
    const bool blames_problem = text.starts_with("problem ");
    if (blames_problem && !moderate) continue;
    problems += blames_problem;
    all.emplace_back(worker, accusation(worker, text));
  }
  if (is_everybody(problems, round)) all.clear();
  return all;
}

/// A worker that is hostile does not say so.
Server::Accused Server::accused_by_their_updates(std::uint64_t round) const {
  if (!aggregate_->remembers() || !(largest_magnitude(iterate_->x()) < moderate_x)) return {};
  Accused all;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto program = aggregate_->program_in_round(worker);
    if (program && !mechanism_->culprit(round, worker, *program).empty())
      all.emplace_back(worker, accusation(worker, "its update decodes to NaN, infinity or immense numbers"));
  }
  return is_everybody(all.size(), round) ? Accused{} : all;
}

/// A finite step from a finite x ends at a finite x.
std::string Server::optimizer_fault(std::uint64_t round) {
  const double moderate = moderate_magnitude(membership_.dtype);
  if (round == 0 || std::isfinite(largest_magnitude(iterate_->x())) || !aggregate_->remembers()) return "";
  Aggregate before = *aggregate_;
  before.undo_round();
  RawVector g(membership_.dtype, membership_.dim);
  if (!before.mean(g) || !(largest_magnitude(g) * std::max(1.0, summary_.stepsize) < moderate)) return "";
  return "round " + std::to_string(round) + ": " + iterate_->optimizer().name() +
         " misbehaved: g and the step size are finite, but the x that it made of them is not (" +
         config_->optimizer.file + ")";
}

}  // namespace threepc
