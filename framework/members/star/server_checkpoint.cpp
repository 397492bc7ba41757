// The part of the server that writes its state down, and goes on from it.
#include <threepc/sdk/bytes.hpp>
#include <utility>

#include "members/star/server.hpp"
#include "method/worker_state.hpp"

namespace threepc {

void Server::save_own(Checkpoint& out) {
  for (const RawVector* vector : held_vectors()) append(out.server, *vector);
  points_->save(out.server);
  aggregate_->save(out.server);
  if (relay_.exchanges() > 0) relay_.save(absorbed_round_, out.server);
  downlink_->save(out.downlink);
}

/// Copies the server's part and asks the workers for theirs, which they send before their next update.
void Server::begin_checkpoint(std::uint64_t round) {
  pending_ = server_part(round);
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
    if (!aggregate_->is_member(worker)) continue;  // it has joined, and begins when it first takes part
    if (states[worker] && is_sound(worker, *states[worker]))
      out = std::move(*states[worker]);
    else if (out.empty())
      append(out, state_of(worker));
  }
  write(std::move(*pending_));
  pending_.reset();
}

/// In one process a copy of what the workers have is cheaper than replaying what they sent.
void Server::renew_ledgers() {
  std::vector<std::optional<Bytes>> states = roster_.take_snapshots();
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (states[worker]) aggregate_->restart_ledger(worker, remember(worker, *states[worker]));
  renewing_ = false;
}

/// Whether a worker's state is one; what only the worker knows of it is remembered. One that sends another is lost.
bool Server::is_sound(std::uint32_t worker, const Bytes& state) {
  try {
    remember(worker, state);
    return true;
  } catch (const Failure& failure) {
    roster_.expel(worker, failure);
    return false;
  }
}

void Server::leave_state(bool asking) {
  if (!in_rounds_ || open_round_ == 0) return;
  try {
    undo_open_round();
    if (saved_round_ != absorbed_round_) save_whole_round(asking);
  } catch (const Failure& failure) {
    warn("no checkpoint of the last whole round: " + std::string(failure.what()));
  }
}

/// What has begun and is not over has not begun.
void Server::undo_open_round() {
  if (!open_round_) return;
  if (stepping_) throw Failure(Exit::unexpected, "the optimizer has failed within its step");
  if (absorbing_ && !aggregate_->remembers())
    throw Failure(Exit::unexpected, "the round was not over, and with [checkpoint] at_end = false it cannot be undone");
  if (absorbing_) aggregate_->undo_round();
  if (absorbing_) points_->undo_round();
  relay_.undo_round(*open_round_);
  downlink_->undo_round();
  journal_.undo_round();
  absorbed_round_ = *std::exchange(open_round_, std::nullopt) - 1;
  absorbing_ = false;
  undone_ = true;
}

/// The ledgers know each g_i; what else a worker may have, a memory, only the worker knows.
void Server::save_whole_round(bool asking) {
  if (!has_memory_ && aggregate_->remembers()) return save_from_ledgers();
  if (!asking || undone_)
    throw Failure(Exit::unexpected, has_memory_
                                        ? "the " + mechanism_->name() + " has a memory that only the workers know"
                                        : "with [checkpoint] at_end = false only the workers know their state");
  begin_checkpoint(absorbed_round_);
  write_checkpoint();
}

void Server::save_from_ledgers() {
  Checkpoint whole = server_part(absorbed_round_);
  aggregate_->prepare_states();
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (aggregate_->is_member(worker)) append(whole.workers[worker], state_of(worker));
  write(std::move(whole));
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
Bytes Server::restoration(std::uint32_t worker) {
  Bytes out;
  downlink_->begin_anew(worker);
  if (!aggregate_->is_member(worker)) return out;
  append(out, state_of(worker));
  append_point(worker, out);
  downlink_->append_restoration(worker, out);
  return out;
}

void Server::append_point(std::uint32_t worker, Bytes& out) const {
  const Points::Point& last = *points_->of(worker);
  append(out, last.round);
  append(out, last.x);
  if (relay_.exchanges() > 0) relay_.append_history(worker, last.round, out);
}

std::vector<RawVector*> Server::held_vectors() {
  std::vector<RawVector*> all = {&iterate_->x(), &last_finite_};
  for (RawVector& vector : iterate_->state()) all.push_back(&vector);
  return all;
}

void Server::load_own(const Checkpoint& from) {
  tpc::Reader in(from.server.data(), from.server.size());
  for (RawVector* vector : held_vectors()) take(in, *vector);
  points_->load(in);
  aggregate_->load(in);
  if (relay_.exchanges() > 0) relay_.load(from.round, in);
  in.finish();
  restore_downlink();
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker)
    if (aggregate_->is_member(worker) != !from.workers[worker].empty() ||
        aggregate_->is_member(worker) != (points_->of(worker) != nullptr))
      throw tpc::Corrupt("a worker's state or its point is missing, or of no member");
}

/// Earlier versions have written none: then everybody is told as one that is new.
void Server::restore_downlink() {
  if (resumed_->downlink.empty()) return downlink_->go_on(resumed_->round + 1);
  tpc::Reader in(resumed_->downlink.data(), resumed_->downlink.size());
  downlink_->load(in);
  in.finish();
}

/// The workers' part: each gets its own and confirms it.
void Server::restore_workers() {
  std::vector<Bytes> messages;
  for (std::uint32_t worker = 0; worker < config_->workers; ++worker) {
    const Bytes& state = resumed_->workers[worker];
    Bytes& message = messages.emplace_back(state);
    if (state.empty()) continue;
    aggregate_->restart_ledger(worker, remember(worker, state));
    append_point(worker, message);
    downlink_->append_restoration(worker, message);
  }
  roster_.restore_all(absorbed_round_, messages);
}

}  // namespace threepc
