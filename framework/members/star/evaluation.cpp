#include "members/star/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/vectors.hpp>
#include <utility>

#include "method/program.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {

Evaluation::Evaluation(const RunConfig& config, const Membership& membership, const MechanismTree& tree, Roster& roster,
                       Journal& journal)
    : config_(&config),
      dtype_(membership.dtype),
      vector_size_(membership.dim * size_of(membership.dtype)),
      tree_(&tree),
      roster_(&roster),
      journal_(&journal),
      metrics_(config.problem),
      gradient_(membership.dim) {
  if (config.measure) measurements_.emplace(tree);
}

std::size_t Evaluation::measured_size() const {
  return measurements_ ? Measurements::doubles(*tree_) * sizeof(double) : 0;
}

std::size_t Evaluation::size(std::uint64_t round) const {
  if (config_->evaluate == Evaluate::off) return 0;
  if (config_->evaluate == Evaluate::bound) return 2 * sizeof(double) + metrics_.bytes();
  return sizeof(double) + (update_is_gradient(*config_, round) ? 0 : vector_size_) + measured_size() + metrics_.bytes();
}

void Evaluation::begin_round(std::uint64_t round, bool wanted) {
  round_ = round;
  wanted_ = wanted && config_->evaluate != Evaluate::off;
  const bool in_process = (config_->transport.descriptor->capabilities & TPC_IN_PROCESS) != 0;
  updates_.assign(!in_process && update_is_gradient(*config_, round) ? config_->workers : 0, {});
}

void Evaluation::keep_update(std::uint32_t worker, std::span<const std::uint8_t> update) {
  if (!updates_.empty()) updates_[worker].assign(update.begin(), update.end());
}

/// All that are here, before anybody is asked anything else.
void Evaluation::gather(const std::function<bool(std::uint32_t)>& is_reported) {
  parts_.assign(config_->workers, std::nullopt);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (is_reported(worker)) gather(worker);
}

/// Of a part as it crosses, which in one process holds more than what counts.
std::size_t Evaluation::gradient_size() const {
  return config_->evaluate == Evaluate::exact && updates_.empty() ? vector_size_ : 0;
}

void Evaluation::gather(std::uint32_t worker) {
  const std::size_t counted = size(round_);
  const bool exact = config_->evaluate == Evaluate::exact;
  const std::size_t expected = exact ? sizeof(double) + gradient_size() + measured_size() + metrics_.bytes() : counted;
  parts_[worker] = roster_->evaluation(worker);
  if (!parts_[worker]) return;
  if (parts_[worker]->size() == expected) return journal_->count_evaluation(counted);
  const std::size_t seen = std::exchange(parts_[worker], std::nullopt)->size();
  roster_->expel(worker, Failure(Exit::peer, worker_name(worker) + " sent an evaluation of " + std::to_string(seen) +
                                                 " bytes, " + std::to_string(expected) + " expected"));
}

void Evaluation::keep() {
  if (!wanted_) return;
  std::vector<Bytes> kept(config_->workers);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (!parts_[worker]) continue;
    kept[worker].assign(parts_[worker]->begin(), parts_[worker]->end());
    parts_[worker] = kept[worker];
  }
  kept_ = std::move(kept);  // whose memory stays where it is
}

/// Empty, if the worker's part has none and its update is none either.
std::span<const std::uint8_t> Evaluation::gradient_of(std::uint32_t worker) const {
  if (updates_.empty()) return parts_[worker]->subspan(sizeof(double), vector_size_);
  const std::vector<Operation> program = parse_program(updates_[worker]);
  const bool is_gradient = program.size() == 1 && program.front().kind == OperationKind::reset &&
                           program.front().codec == dense_codec && program.front().payload.size() == vector_size_;
  return is_gradient ? program.front().payload : std::span<const std::uint8_t>();
}

void Evaluation::withdraw() {
  journal_->line().f = journal_->line().grad_norm_sq = NAN;
  complete_ = false;
}

void Evaluation::conclude(const std::function<bool(std::uint32_t)>& is_reported, const RawVector& g,
                          std::uint32_t members) {
  Metrics& line = journal_->line();
  line.measured.clear();
  line.metrics.clear();
  metrics_.begin_round();
  if (!wanted_) return withdraw();
  double reported = 0;
  line.f = gaps_ = 0;
  complete_ = true;
  if (measurements_) measurements_->begin_round();
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    if (!is_reported(worker)) continue;
    ++reported;
    complete_ = complete_ && parts_[worker];
    if (parts_[worker]) add(worker, *parts_[worker]);
  }
  complete_ = complete_ && reported > 0 && (config_->evaluate == Evaluate::exact || reported == members);
  for (double& entry : gradient_) entry /= reported;
  line.f /= reported;
  line.grad_norm_sq = tpc::norm_sq(std::span<const double>(gradient_));
  if (config_->evaluate == Evaluate::bound) bound_gradient(g, members);
  metrics_.report(complete_, line);
  if (!complete_) withdraw();
}

void Evaluation::add(std::uint32_t worker, std::span<const std::uint8_t> message) {
  journal_->line().f += tpc::Values<double>(message.data())[0];
  metrics_.add(message.last(metrics_.bytes()));
  if (config_->evaluate == Evaluate::bound) {
    gaps_ += tpc::Values<double>(message.data())[1];
    return;
  }
  const std::span<const std::uint8_t> gradient = gradient_of(worker);
  complete_ = complete_ && !gradient.empty();
  if (!gradient.empty()) add_values(dtype_, gradient.data(), gradient_);
  if (measurements_) measurements_->add(message.last(measured_size() + metrics_.bytes()).first(measured_size()));
}

/// | ||grad f|| - ||g|| | <= ||g - grad f|| <= ((1/n) sum_i ||g_i - grad f_i||^2)^(1/2), and what rounding adds where g
/// and the g_i are of few digits. Stopping rules see the upper end.
void Evaluation::bound_gradient(const RawVector& g, std::uint32_t members) {
  const double norm = std::sqrt(norm_sq(g));
  const double digits = dtype_ == TPC_F32 ? 0x1p-22 : 0x1p-50;
  const double gap = std::sqrt(gaps_ / members) * (1 + digits) + digits * norm;
  journal_->line().grad_norm_sq = (norm + gap) * (norm + gap);
  journal_->line().measured.push_back({"grad_norm_lower", complete_ ? std::max(0.0, norm - gap) : NAN});
}

bool Evaluation::is_finite(std::uint32_t worker) const {
  const std::uint8_t* const message = parts_[worker]->data();
  if (config_->evaluate == Evaluate::bound) return all_finite(TPC_F64, message, 2);
  const std::span<const std::uint8_t> gradient = gradient_of(worker);
  return all_finite(TPC_F64, message, 1) && all_finite(dtype_, gradient.data(), gradient.size() / size_of(dtype_));
}

std::vector<std::uint32_t> Evaluation::infinite() const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (parts_[worker] && !is_finite(worker)) out.push_back(worker);
  return out;
}

std::vector<std::string> Evaluation::measure(std::uint64_t round, const RawVector& g) {
  if (!measurements_ || !complete_) return {};
  journal_->line().measured = measurements_->finish_round(round, distance_sq(g, gradient_));
  return measurements_->take_warnings();
}

}  // namespace threepc
