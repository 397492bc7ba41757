#include "record/journal.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

#include "plugin/host_services.hpp"
#include "record/stopping.hpp"

namespace threepc {

Journal::Journal(const RunConfig& config, RunDirectory& directory, Progress& progress)
    : config_(&config),
      directory_(&directory),
      progress_(&progress),
      start_grad_norm_sq_(std::numeric_limits<double>::quiet_NaN()) {}

void Journal::start(std::int64_t time) { started_ = time - static_cast<std::int64_t>(tally_.last.seconds * 1e9); }

double Journal::seconds_now() const { return static_cast<double>(host_services().now() - started_) * 1e-9; }

void Journal::begin_round(std::uint64_t round, std::uint64_t evaluation_bytes) {
  whole_ = tally_;
  due_ = is_due(round, evaluation_bytes);
  reported_ = due_ || round == config_->rounds;
  if (reported_ && !due_) regular_ = tally_;
}

/// "auto": as long as evaluations are at most a tenth of what the method sends, in bytes that are the same on every
/// transport and after a restart.
bool Journal::is_due(std::uint64_t round, std::uint64_t evaluation_bytes) const {
  if (config_->evaluate_every) return round % *config_->evaluate_every == 0;
  const std::uint64_t next = tally_.evaluation_bytes + evaluation_bytes;
  return round == 0 || 10 * next <= tally_.uplink_bytes + tally_.downlink_bytes;
}

void Journal::undo_round() {
  tally_ = whole_;
  regular_.reset();
}

void Journal::add_counters(Metrics& line) const {
  const double workers = config_->workers;
  line.uplink_floats_per_worker = static_cast<double>(tally_.values) / workers;
  line.uplink_bits_per_worker = 8 * static_cast<double>(tally_.uplink_bytes) / workers;
  line.downlink_bits_per_worker = 8 * static_cast<double>(tally_.downlink_bytes) / workers;
  line.evaluation_bits_per_worker = 8 * static_cast<double>(tally_.evaluation_bytes) / workers;
}

void Journal::record(std::span<const std::uint8_t> x, std::uint64_t wire_bytes) {
  add_counters(tally_.last);
  tally_.last.wire_bytes = wire_bytes_before_ + wire_bytes;
  tally_.last.seconds = seconds_now();
  tally_.chain.add(x.data(), x.size());
  directory_->add(tally_.last);
  progress_->show(tally_.last);
}

std::optional<std::string> Journal::divergence() {
  const Metrics& now = tally_.last;
  if (std::isnan(start_grad_norm_sq_) && now.grad_norm_sq > 0) start_grad_norm_sq_ = now.grad_norm_sq;
  if (!(std::isfinite(now.f) && std::isfinite(now.grad_norm_sq))) return "";
  const double growth = std::sqrt(now.grad_norm_sq / start_grad_norm_sq_);
  if (!(growth > config_->stop.divergence)) return std::nullopt;
  char text[128];
  std::snprintf(text, sizeof text, "|grad f| has grown %.3g-fold since the start, beyond [run.stop] divergence",
                growth);
  return text;
}

const char* Journal::reason_to_stop() const { return threepc::reason_to_stop(*config_, tally_.last); }

void Journal::conclude(Summary& summary) const {
  summary.last = tally_.last;
  summary.x_hash = tally_.chain.hex();
}

/// The line of the last round comes before its time if it is not due by evaluate_every: a run that goes on from here
/// with more rounds does not have it.
void Journal::save(Checkpoint& out, std::int64_t time, std::uint64_t wire_bytes) const {
  const Tally& regular = regular_ ? *regular_ : tally_;
  out.last = regular.last;
  out.final_last = tally_.last;
  out.last.measured.clear();
  out.final_last.measured.clear();
  out.last.metrics.clear();
  out.final_last.metrics.clear();
  out.values = tally_.values;
  out.uplink_bytes = tally_.uplink_bytes;
  out.downlink_bytes = tally_.downlink_bytes;
  out.evaluation_bytes = regular.evaluation_bytes;
  out.wire_bytes = wire_bytes_before_ + wire_bytes;
  out.seconds = static_cast<double>(time - started_) * 1e-9;
  out.chain = regular.chain.value();
  out.final_chain = tally_.chain.value();
  out.start_grad_norm_sq = start_grad_norm_sq_;
}

void Journal::load(const Checkpoint& from) {
  tally_ = {from.last, from.values, from.uplink_bytes, from.downlink_bytes, from.evaluation_bytes, {}};
  tally_.last.seconds = from.seconds;
  tally_.chain.resume(from.chain);
  wire_bytes_before_ = from.wire_bytes;
  start_grad_norm_sq_ = from.start_grad_norm_sq;
}

void Journal::load_end(const Checkpoint& from) {
  tally_.last = from.final_last;
  tally_.chain.resume(from.final_chain);
}

}  // namespace threepc
