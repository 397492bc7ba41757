// The part of the server that writes its state down, and goes on from it.
#include <threepc/sdk/bytes.hpp>

#include "record/log.hpp"
#include "runtime/server.hpp"
#include "runtime/worker_state.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t member_of(std::uint32_t worker) { return worker + 1; }

}  // namespace

bool Server::wants_checkpoint(std::uint64_t round) {
  const CheckpointRules& rules = config_->checkpoint;
  const double waited = static_cast<double>(host_services().now() - last_checkpoint_) * 1e-9;
  const bool by_rounds = rules.every_rounds && round > 0 && round % *rules.every_rounds == 0;
  const bool by_seconds = rules.every_seconds && waited >= *rules.every_seconds;
  return (by_rounds || by_seconds) && !writer_.busy();
}

/// Copies the server's part and asks the workers for theirs, which they send before their next update.
void Server::begin_checkpoint(std::uint64_t round) {
  last_checkpoint_ = host_services().now();
  directory_->sync();  // a run that goes on from here has the lines until here
  pending_.emplace();
  pending_->round = round;
  pending_->configuration = agreement(*config_);
  pending_->summary = summary_;
  pending_->last = metrics_;
  pending_->last.measured.clear();
  pending_->values = values_;
  pending_->uplink_bytes = uplink_bytes_;
  pending_->downlink_bytes = downlink_bytes_;
  const tpc_traffic traffic = channel_->transport().traffic();
  pending_->wire_bytes = wire_bytes_before_ + traffic.wire_sent + traffic.wire_received;
  pending_->seconds = static_cast<double>(last_checkpoint_ - started_) * 1e-9;
  pending_->chain = chain_.value();
  for (const RawVector* vector : held_vectors()) append(pending_->server, *vector);
  aggregate_->save(pending_->server);
  pending_->workers.resize(config_->workers);
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (!roster_.is_present(worker) && aggregate_->is_member(worker))
      append(pending_->workers[worker], state_of(worker));
  roster_.request_snapshots(round);
}

/// After the workers' states have come, and before their next updates are absorbed: until then the ledgers say what a
/// worker that was lost meanwhile would have said.
void Server::write_checkpoint() {
  std::vector<std::optional<Bytes>> states = roster_.take_snapshots();
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    Bytes& out = pending_->workers[worker];
    if (states[worker])
      out = std::move(*states[worker]);
    else if (out.empty() && aggregate_->is_member(worker))
      append(out, state_of(worker));
    if (!out.empty()) remember(worker, out);
  }
  if (const std::string fault = writer_.wait(); !fault.empty()) warn(fault);
  log_info("checkpoint of round " + std::to_string(pending_->round));
  writer_.write(std::move(*pending_));
  pending_.reset();
}

/// What the aggregate assumes of a worker, and the last that is known of its memory.
WorkerState Server::state_of(std::uint32_t worker) const { return {aggregate_->state_of(worker), memories_[worker]}; }

/// Checks a worker's state and keeps of it what only the worker knows.
TrackedVector Server::remember(std::uint32_t worker, const Bytes& state) {
  try {
    tpc::Reader in(state.data(), state.size());
    WorkerState parsed = take_worker_state(in, membership_.dtype, membership_.dim);
    in.finish();
    memories_[worker].assign(parsed.memory.begin(), parsed.memory.end());
    return std::move(parsed.h);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, "worker " + std::to_string(worker) + " sent a malformed state: " + error.what());
  }
}

/// Nothing, if the worker is no member: then it begins.
Bytes Server::restoration(std::uint32_t worker) const {
  Bytes out;
  if (!aggregate_->is_member(worker)) return out;
  append(out, state_of(worker));
  append(out, *absorbed_x_);
  return out;
}

std::vector<RawVector*> Server::held_vectors() {
  std::vector<RawVector*> all = {&x_, &*absorbed_x_, &last_finite_};
  for (RawVector& vector : optimizer_state_) all.push_back(&vector);
  return all;
}

/// The server's part of the checkpoint.
void Server::restore() {
  const Checkpoint& c = *resumed_;
  if (c.summary.dim != summary_.dim)
    throw Failure(Exit::data, "the checkpoint is of dimension " + std::to_string(c.summary.dim) + ", the problem of " +
                                  std::to_string(summary_.dim) + "; is the data the same?");
  summary_.stepsize = c.summary.stepsize;
  summary_.A = c.summary.A;
  summary_.B = c.summary.B;
  summary_.L_minus = c.summary.L_minus;
  summary_.L_plus = c.summary.L_plus;
  metrics_ = c.last;
  metrics_.seconds = c.seconds;
  values_ = c.values;
  uplink_bytes_ = c.uplink_bytes;
  downlink_bytes_ = c.downlink_bytes;
  wire_bytes_before_ = c.wire_bytes;
  chain_.resume(c.chain);
  absorbed_round_ = c.round;
  absorbed_x_ = x_;
  injector_.resume_at(c.round + 1);
  try {
    tpc::Reader in(c.server.data(), c.server.size());
    for (RawVector* vector : held_vectors()) take(in, *vector);
    aggregate_->load(in);
    in.finish();
  } catch (const tpc::Error& error) {
    throw Failure(Exit::data, std::string("the checkpoint does not fit the run: ") + error.what());
  }
}

/// The workers' part: each gets its own and confirms it.
void Server::restore_workers() {
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const Bytes& state = resumed_->workers[worker];
    if (!state.empty()) aggregate_->restart_ledger(worker, remember(worker, state));
    Bytes message = state;
    if (!state.empty()) append(message, *absorbed_x_);
    if (here_[worker]) hand_over(worker, MessageType::restore, absorbed_round_, message);
  }
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (here_[worker])
      channel_->expect(member_of(worker), MessageType::restore, absorbed_round_, "its word that it has its state");
}

}  // namespace threepc
