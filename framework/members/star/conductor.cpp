#include "members/star/conductor.hpp"

#include <algorithm>
#include <threepc/sdk/bytes.hpp>
#include <utility>

#include "plugin/host_services.hpp"
#include "plugin/kinds.hpp"
#include "record/log.hpp"
#include "record/stopping.hpp"

namespace threepc {
namespace {

void list_plugins(const PluginSpec& spec, std::vector<Summary::Plugin>& out) {
  const tpc_descriptor& d = *spec.descriptor;
  out.push_back({kind_name(d.kind), d.id, d.version, spec.place});
  for (const PluginSpec& child : spec.children) list_plugins(child, out);
}

}  // namespace

Conductor::Conductor(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress)
    : config_(&config),
      channel_(&channel),
      directory_(&directory),
      progress_(&progress),
      membership_{config.dtype, 0, config.workers, TPC_SERVER, config.seed},
      facts_(config.workers),
      data_(config.workers),
      roster_(config, channel, *this),
      injector_(config.faults.inject, Injection::the_server),
      journal_(config, directory, progress),
      writer_(directory.folder()) {
  summary_.multiplier = config.multiplier;
  summary_.workers = config.workers;
  summary_.transport = config.transport.descriptor->id;
  for (const PluginSpec* spec : {&config.problem, &config.mechanism, &config.optimizer, &config.transport})
    list_plugins(*spec, summary_.plugins);
  for (const std::optional<PluginSpec>* spec : {&config.topology, &config.rule})
    if (*spec) list_plugins(**spec, summary_.plugins);
}

void Conductor::resume(const Checkpoint& checkpoint) {
  resumed_ = &checkpoint;
  for (std::uint32_t worker = 0; worker < data_.size() && worker < checkpoint.data.size(); ++worker)
    if (checkpoint.data[worker] != 0) data_[worker] = {checkpoint.data[worker], true};
}

Summary Conductor::run() {
  try {
    rounds();
  } catch (const Interrupted&) {
    finish("interrupted");
  } catch (const Failure& failure) {
    // A signal to all reaches workers too, and their end may be heard of before the signal is looked at.
    if (failure.code() == Exit::peer && StopSignals::requested()) {
      finish("interrupted");
      return summary_;
    }
    channel_->broadcast_failure(failure);
    if (config_->checkpoint.at_end) leave_state(false);
    if (const std::string fault = writer_.wait(); !fault.empty()) warn(fault);
    channel_->close();
    directory_->sync();
    throw;
  }
  return summary_;
}

void Conductor::rounds() {
  prepare();
  last_checkpoint_ = host_services().now();
  journal_.start(last_checkpoint_);
  if (is_over_already()) return;
  begin_profile();
  in_rounds_ = true;
  for (std::uint64_t round = next_round();; ++round) {
    const std::int64_t began = host_services().now();
    if (!play(round)) return;
    longest_round_ = std::max(longest_round_, host_services().now() - began);
  }
}

/// A run that goes on from its own end has nothing to do, unless it has been given more rounds or other stopping rules.
bool Conductor::is_over_already() {
  const char* const reason = resumed_ == nullptr ? nullptr : reason_to_stop(*config_, resumed_->final_last);
  if (reason == nullptr) return false;
  journal_.load_end(*resumed_);
  finish(reason);
  return true;
}

bool Conductor::goes_on(const char* reason) {
  open_round_.reset();
  if (reason != nullptr) return finish(reason), false;
  if (StopSignals::requested()) throw Interrupted{};
  return true;
}

void Conductor::warn(const std::string& text) {
  progress_->end_line();
  log_warning(text);
}

std::uint64_t Conductor::wire_bytes() const {
  const tpc_traffic traffic = channel_->transport().traffic();
  return traffic.wire_sent + traffic.wire_received;
}

std::uint64_t Conductor::longest_parcels() const {
  std::uint64_t longest = 0;
  for (const auto& facts : facts_) longest = std::max(longest, facts ? facts->longest_parcels : 0);
  return longest;
}

/// One that is due by rounds is written even if that means waiting for the one before.
bool Conductor::wants_checkpoint(std::uint64_t round) {
  const CheckpointRules& rules = config_->checkpoint;
  const double waited = static_cast<double>(host_services().now() - last_checkpoint_) * 1e-9;
  const bool by_rounds = rules.every_rounds && round > 0 && round % *rules.every_rounds == 0;
  const bool by_seconds = rules.every_seconds && waited >= *rules.every_seconds && !writer_.busy();
  return by_rounds || by_seconds;
}

Checkpoint Conductor::server_part(std::uint64_t round) {
  last_checkpoint_ = host_services().now();
  directory_->sync();  // a run that goes on from here has the lines until here
  Checkpoint out;
  out.round = round;
  out.configuration = agreement(*config_);
  out.summary = summary_;
  journal_.save(out, last_checkpoint_, wire_bytes());
  for (const auto& data : data_) out.data.push_back(data ? data->digest : 0);
  save_own(out);
  out.workers.resize(config_->workers);
  return out;
}

void Conductor::write(Checkpoint checkpoint) {
  if (const std::string fault = writer_.wait(); !fault.empty()) warn(fault);
  log_info("checkpoint of round " + std::to_string(checkpoint.round));
  saved_round_ = checkpoint.round;
  writer_.write(std::move(checkpoint));
}

void Conductor::begin_profile() {
  if (!profile_.server.on()) return;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    channel_->limit(tpc::member_of_worker(worker), longest_from_worker() + Profile::most_bytes);
  const std::uint8_t with_events = with_events_;
  roster_.announce(MessageType::profile, next_round(), {&with_events, 1});
}

/// Of those that are there; what one sends that is no profile is none.
void Conductor::gather_profiles() {
  if (!profile_.server.on()) return;
  profile_.seconds = journal_.seconds_now();
  profile_.workers.resize(config_->workers);
  if (summary_.stopped_by == "interrupted") return;  // who does not answer may be why
  roster_.announce(MessageType::profile, roster_.round());
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const auto said = roster_.profile(worker);
    if (!said) continue;
    try {
      profile_.workers[worker] = Profile::from_bytes(*said);
    } catch (const tpc::Error& error) {
      warn(worker_name(worker) + " sent a malformed profile: " + error.what());
    }
  }
}

void Conductor::finish(const std::string& stopped_by) {
  summary_.stopped_by = stopped_by;
  journal_.conclude(summary_);
  summary_.worker_losses = roster_.losses();
  if (summary_.dim > 0) directory_->save_model(last_finite_);
  if (in_rounds_) gather_profiles();
  if (config_->checkpoint.at_end || stopped_by == "interrupted") leave_state(true);
  try {
    channel_->broadcast(MessageType::stop, journal_.line().round, {});
  } catch (const Failure&) {
    // a worker that is gone already has nothing left to do
  }
  // Before the farewell, which takes its time: mpirun, say, grants one second after SIGTERM.
  if (const std::string fault = writer_.wait(); !fault.empty()) warn(fault);
  directory_->finish(summary_);
  channel_->close();
}

}  // namespace threepc
