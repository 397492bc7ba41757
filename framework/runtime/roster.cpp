#include "runtime/roster.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "record/log.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t member_of(std::uint32_t worker) { return worker + 1; }
constexpr int most_heard = 64;  // messages of one worker between two rounds, so that a flood holds up nobody

std::int64_t now() { return host_services().now(); }
std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

bool is(const tpc_message& message, MessageType type) { return message.type == static_cast<std::uint32_t>(type); }

std::string worker_name(std::uint32_t worker) { return member_name(member_of(worker)); }

}  // namespace

Roster::Roster(const RunConfig& config, Channel& channel, Home& home)
    : config_(&config),
      channel_(&channel),
      home_(&home),
      survives_(config.faults.on_worker_loss != Faults::OnLoss::stop &&
                (config.transport.descriptor->capabilities & TPC_REJOINS) != 0),
      seats_(config.workers) {}

// ---- a round

void Roster::admit(std::uint64_t round) {
  round_ = round;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (!is_present(worker)) listen(worker, 0);
  await_anybody();
}

std::uint32_t Roster::ask(std::uint64_t round, bool evaluate, std::span<const std::uint8_t> x,
                          const std::vector<bool>& sampled) {
  const bool in_process = (config_->transport.descriptor->capabilities & TPC_IN_PROCESS) != 0;
  round_ = round;
  began_ = now();
  x_ = x;
  question_ = evaluate ? MessageType::model_evaluate : MessageType::model;
  std::uint32_t asked = 0;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    seats_[worker].update.reset();
    seats_[worker].asked = is_present(worker) && (sampled.empty() || sampled[worker]);
    asked += seats_[worker].asked;
  }
  if (asked == seats_.size()) {
    channel_->broadcast(question_, round, x);
    return asked;
  }
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    if (!is_present(worker)) continue;
    if (seats_[worker].asked)
      tell(worker, question_, round, x);
    else if (evaluate)
      tell(worker, MessageType::evaluate, round, x);
    else if (in_process)  // a thread drives many workers in turn, so each gets a message
      tell(worker, MessageType::patience, round, {});
  }
  return asked;
}

/// The last worker's message is waited for first: when it is there, mostly all are, and one wait does for a round.
void Roster::collect() {
  const Wanted wanted = {MessageType::update, round_, "the update", question_, true};
  for (std::uint32_t worker = static_cast<std::uint32_t>(seats_.size()); worker-- > 0;) {
    if (!seats_[worker].asked) continue;
    if (const auto message = obtain(worker, wanted)) seats_[worker].update = program_of(payload_of(*message));
  }
}

std::vector<std::uint32_t> Roster::absent() const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (!seats_[worker].update) out.push_back(worker);
  return out;
}

std::optional<std::span<const std::uint8_t>> Roster::evaluation(std::uint32_t worker) {
  if (!is_present(worker) && (!survives_ || config_->faults.on_worker_loss != Faults::OnLoss::wait))
    return std::nullopt;
  const auto message =
      obtain(worker, {MessageType::evaluation, round_, "the evaluation", MessageType::evaluate, false});
  return message ? std::optional(payload_of(*message)) : std::nullopt;
}

std::optional<std::span<const std::uint8_t>> Roster::diagnosis(std::uint32_t worker) {
  if (!is_present(worker)) return std::nullopt;
  const auto message = obtain(worker, {MessageType::diagnosis, round_, "the diagnosis", MessageType::patience, false});
  return message ? std::optional(payload_of(*message)) : std::nullopt;
}

void Roster::announce(MessageType type, std::uint64_t round) {
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (is_present(worker)) tell(worker, type, round, {});
}

// ---- checkpoints

void Roster::request_snapshots(std::uint64_t round) {
  snapshot_round_ = round;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    seats_[worker].snapshot.reset();
    seats_[worker].snapshot_due = is_present(worker) && tell(worker, MessageType::snapshot, round, {});
  }
}

std::vector<std::optional<Bytes>> Roster::take_snapshots() {
  std::vector<std::optional<Bytes>> out;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    Seat& seat = seats_[worker];
    if (seat.snapshot_due && is_present(worker))
      if (const auto message =
              obtain(worker, {MessageType::snapshot, snapshot_round_, "the state", MessageType::snapshot, false}))
        seat.snapshot.emplace(message->data, message->data + message->size);
    seat.snapshot_due = false;
    out.push_back(std::exchange(seat.snapshot, std::nullopt));
  }
  return out;
}

// ---- waiting for one worker

std::optional<tpc_message> Roster::obtain(std::uint32_t worker, const Wanted& wanted) {
  for (;;) {
    if (!is_present(worker)) {
      const Presence presence = seats_[worker].presence;
      const bool gone_well = presence == Presence::late || presence == Presence::left;
      if (gone_well || config_->faults.on_worker_loss != Faults::OnLoss::wait) return std::nullopt;
      await_return(worker);
      const bool lost_for_good = wanted.type == MessageType::snapshot || wanted.type == MessageType::diagnosis;
      if (lost_for_good) return std::nullopt;  // it has forgotten; the ledger knows what its state was
      if (!tell(worker, wanted.question, wanted.round, x_)) continue;
    }
    const Heard heard = channel_->hear(member_of(worker), deadline(wanted));
    if (heard.what == Heard::What::message) {
      if (is_wanted(worker, wanted, heard.message)) return heard.message;
    } else if (heard.what == Heard::What::silence) {
      on_silence(worker, wanted);
    } else {
      lose(worker, "waiting for " + std::string(wanted.name) + " of " + worker_name(worker) + ": " + heard.why, false);
    }
  }
}

/// Judges a message of a worker that is present, and deals with those that are something else.
bool Roster::is_wanted(std::uint32_t worker, const Wanted& wanted, const tpc_message& message) {
  if (is(message, wanted.type) && message.round == wanted.round) {
    const bool damaged = is(message, MessageType::update) && !unseal(payload_of(message), wanted.round);
    if (damaged) lose(worker, worker_name(worker) + " sent a damaged update: its checksum does not match", true);
    return !damaged;
  }
  Seat& seat = seats_[worker];
  if (is(message, MessageType::snapshot) && seat.snapshot_due && message.round == snapshot_round_) {
    seat.snapshot.emplace(message.data, message.data + message.size);
    seat.snapshot_due = false;
    return false;
  }
  if (is(message, MessageType::leave)) {
    say_farewell(worker);
    return false;
  }
  if (is(message, MessageType::hello)) {
    lose(worker, worker_name(worker) + " has left and joined again", false);
    introduce(worker);
    return false;
  }
  const bool repeated = is(message, MessageType::update) && message.round == wanted.round;
  if (message.round < wanted.round || repeated) return false;  // said twice, or before it was restored
  lose(worker,
       worker_name(worker) + " sent a message of type " + std::to_string(message.type) + " for round " +
           std::to_string(message.round) + " in place of " + wanted.name,
       true);
  return false;
}

std::int64_t Roster::deadline(const Wanted& wanted) const {
  const std::int64_t whole = now() + nanoseconds(channel_->timeout());
  const auto& round = config_->faults.round_deadline;
  return wanted.may_be_late && round ? std::min(whole, began_ + nanoseconds(*round)) : whole;
}

void Roster::on_silence(std::uint32_t worker, const Wanted& wanted) {
  const auto& round = config_->faults.round_deadline;
  if (wanted.may_be_late && round && *round < channel_->timeout()) {
    Seat& seat = seats_[worker];
    seat.presence = Presence::late;
    seat.owed = wanted.round;
    seat.since = now();
    return;
  }
  lose(worker,
       "waiting for " + std::string(wanted.name) + " of " + worker_name(worker) + ": " + channel_->nothing_came(),
       true);
}

// ---- leaving and coming back

/// `connected`: it may still hear what it is told, so it is given its state at once.
void Roster::lose(std::uint32_t worker, const std::string& why, bool connected) {
  const std::string text = "round " + std::to_string(round_) + ": " + why;
  if (!survives_) throw Failure(Exit::peer, text);
  Seat& seat = seats_[worker];
  seat.presence = Presence::absent;
  seat.snapshot_due = false;
  seat.why = text;
  ++losses_;
  home_->warn(text + (config_->faults.on_worker_loss == Faults::OnLoss::wait
                          ? "; the round waits for it"
                          : "; the run goes on, and it counts as skipping until it is back"));
  if (connected) restore(worker);
}

/// Hears a worker that is not present until it is, or has nothing more to say.
void Roster::listen(std::uint32_t worker, std::int64_t until) {
  Seat& seat = seats_[worker];
  for (int heard_so_far = 0; heard_so_far < most_heard && !is_present(worker); ++heard_so_far) {
    const Heard heard = channel_->hear(member_of(worker), until);
    if (heard.what == Heard::What::message) {
      handle(worker, heard.message);
      continue;
    }
    const bool overdue = seat.presence == Presence::late && now() - seat.since > nanoseconds(channel_->timeout());
    if (heard.what == Heard::What::gone && seat.presence == Presence::late)
      lose(worker, "waiting for the late update of " + worker_name(worker) + ": " + heard.why, false);
    else if (heard.what == Heard::What::gone && seat.presence != Presence::left)
      seat.presence = Presence::absent;
    else if (overdue)
      lose(worker, "waiting for the late update of " + worker_name(worker) + ": " + channel_->nothing_came(), true);
    return;
  }
}

void Roster::handle(std::uint32_t worker, const tpc_message& message) {
  Seat& seat = seats_[worker];
  if (is(message, MessageType::hello)) introduce(worker);
  if (is(message, MessageType::leave)) say_farewell(worker);
  if (is(message, MessageType::facts) && seat.presence == Presence::introduced) take_facts(worker, message);
  if (is(message, MessageType::restore) && seat.presence == Presence::restoring) come_back(worker);
  if (is(message, MessageType::update) && seat.presence == Presence::late && message.round == seat.owed)
    settle_debt(worker, message);
}

void Roster::introduce(std::uint32_t worker) {
  const std::string lines = agreement_text(*config_);
  if (tell(worker, MessageType::configuration, 0, bytes_of(lines))) seats_[worker].presence = Presence::introduced;
}

void Roster::take_facts(std::uint32_t worker, const tpc_message& message) {
  std::span<const std::uint8_t> rest = payload_of(message);
  home_->check_facts(worker, take_worker_facts(rest));
  Bytes stepsize;
  append(stepsize, home_->stepsize());
  if (tell(worker, MessageType::begin, 0, stepsize)) restore(worker);
}

void Roster::restore(std::uint32_t worker) {
  const Bytes state = home_->restoration(worker);
  seats_[worker].is_new = state.empty();
  if (tell(worker, MessageType::restore, home_->restoration_round(), state))
    seats_[worker].presence = Presence::restoring;
}

void Roster::settle_debt(std::uint32_t worker, const tpc_message& message) {
  const auto program = unseal(payload_of(message), message.round);
  if (!program) return lose(worker, worker_name(worker) + " sent a damaged update: its checksum does not match", true);
  home_->absorb_late(message.round, worker, *program);
  seats_[worker].presence = Presence::present;
}

void Roster::come_back(std::uint32_t worker) {
  seats_[worker].presence = Presence::present;
  log_info("round " + std::to_string(round_) + ": " + worker_name(worker) +
           (seats_[worker].is_new ? " has joined" : " is back"));
}

void Roster::say_farewell(std::uint32_t worker) {
  const std::string text = worker_name(worker) + " has left for good";
  if (!survives_) return lose(worker, text, false);
  seats_[worker].presence = Presence::left;
  seats_[worker].snapshot_due = false;
  seats_[worker].why = text;
  home_->dismiss(worker);
  log_info("round " + std::to_string(round_) + ": " + text);
}

void Roster::await_return(std::uint32_t worker) {
  const double patience = config_->faults.patience.value_or(channel_->timeout());
  const std::int64_t until = now() + nanoseconds(patience);
  while (!is_present(worker)) {
    if (now() > until)
      throw Failure(Exit::peer, seats_[worker].why + "; it did not come back within " + seconds_text(patience) +
                                    " ([faults] patience)");
    listen(worker, now() + nanoseconds(0.05));
    if (seats_[worker].presence == Presence::absent) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Roster::await_anybody() {
  const auto anybody = [&] {
    return std::any_of(seats_.begin(), seats_.end(),
                       [](const Seat& seat) { return seat.presence == Presence::present; });
  };
  if (anybody()) return;
  const double patience = config_->faults.patience.value_or(channel_->timeout());
  const std::int64_t until = now() + nanoseconds(patience);
  while (!anybody()) {
    if (now() > until)
      throw Failure(Exit::peer, "round " + std::to_string(round_) + ": no worker is left, and none came back within " +
                                    seconds_text(patience) +
                                    " ([faults] patience); the last that is known: " + seats_.front().why);
    for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) listen(worker, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// False if it is gone; then it is lost.
bool Roster::tell(std::uint32_t worker, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  try {
    channel_->send(member_of(worker), type, round, data);
    return true;
  } catch (const Failure& failure) {
    if (failure.code() != Exit::peer) throw;
    if (is_present(worker))
      lose(worker, failure.what(), false);
    else
      seats_[worker].presence = Presence::absent;
    return false;
  }
}

}  // namespace threepc
