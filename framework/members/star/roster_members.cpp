// How workers leave, are lost, and come back.
#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "members/star/roster.hpp"
#include "plugin/host_services.hpp"
#include "record/log.hpp"

namespace threepc {
namespace {

constexpr int most_heard = 64;           // messages of one worker between two rounds, so that a flood holds up nobody
constexpr double leaving_seconds = 0.5;  // a cluster that takes its nodes back does not tell all of them at once

std::int64_t now() { return host_services().now(); }
std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

bool is(const tpc_message& message, MessageType type) { return message.type == static_cast<std::uint32_t>(type); }

}  // namespace

/// `connected`: it may still hear what it is told, so it is given its state at once.
void Roster::lose(std::uint32_t worker, const std::string& why, bool connected, Exit fault) {
  const std::string text = "round " + std::to_string(round_) + ": " + why;
  if (!survives_) throw Failure(fault, text);
  Seat& seat = seats_[worker];
  seat.presence = Presence::absent;
  seat.snapshot_due = false;
  seat.why = text;
  seat.fault = fault;
  ++losses_;
  warn(worker, text + (config_->faults.on_worker_loss == Faults::OnLoss::wait
                           ? "; the round waits for it"
                           : "; the run goes on, and it counts as skipping until it is back"));
  if (connected) restore(worker);
}

/// Said whenever their number has doubled: who goes on doing wrong does not fill the log.
void Roster::warn(std::uint32_t worker, const std::string& text) {
  const std::uint64_t times = ++seats_[worker].warnings;
  if (!std::has_single_bit(times)) return;
  home_->warn(text + (times > 1 ? " (warning " + std::to_string(times) + " about this worker)" : ""));
}

void Roster::say_farewell(std::uint32_t worker) {
  const std::string text = worker_name(worker) + " has left for good";
  if (!survives_) return lose(worker, text, false);
  Seat& seat = seats_[worker];
  seat.presence = Presence::leaving;
  seat.since = now();
  seat.snapshot_due = false;
  seat.why = "round " + std::to_string(round_) + ": " + text;
  log_info(seat.why);
}

/// While somebody is present.
void Roster::dismiss_leaving() {
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    Seat& seat = seats_[worker];
    if (seat.presence != Presence::leaving || now() - seat.since < nanoseconds(leaving_seconds)) continue;
    seat.presence = Presence::left;
    home_->dismiss(worker);
  }
}

/// Nobody has stayed.
void Roster::keep_leaving() {
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (seats_[worker].presence == Presence::leaving)
      lose(worker, worker_name(worker) + " has left, as all have", false);
}

/// Hears a worker that is not present until it is, or has nothing more to say.
void Roster::listen(std::uint32_t worker, std::int64_t until) {
  Heard heard;
  for (int heard_so_far = 0; heard_so_far < most_heard && !is_present(worker); ++heard_so_far) {
    heard = channel_->hear(tpc::member_of_worker(worker), until);
    if (heard.what != Heard::What::message) break;
    handle(worker, heard.message);
  }
  if (!is_present(worker)) judge_silence(worker, heard);
}

/// A worker that is not present has said what it had to say.
void Roster::judge_silence(std::uint32_t worker, const Heard& heard) {
  Seat& seat = seats_[worker];
  const std::string waiting = "waiting for the late update of " + worker_name(worker) + ": ";
  const bool gone = heard.what == Heard::What::gone;
  if (seat.presence == Presence::late && gone)
    lose(worker, waiting + heard.why, false, heard.code);
  else if (seat.presence == Presence::late && now() - seat.since > nanoseconds(channel_->timeout()))
    lose(worker, waiting + channel_->nothing_came(), true);
  else if (gone && (seat.presence == Presence::restoring || seat.presence == Presence::introduced))
    turned_back(worker, heard);
}

/// It gave up on its way in.
void Roster::turned_back(std::uint32_t worker, const Heard& heard) {
  seats_[worker].presence = Presence::absent;
  if (heard.code != Exit::peer)
    warn(worker, "round " + std::to_string(round_) + ": " + worker_name(worker) + " did not come back: " + heard.why);
}

void Roster::handle(std::uint32_t worker, const tpc_message& message) {
  Seat& seat = seats_[worker];
  if (is(message, MessageType::hello)) introduce(worker);
  if (is(message, MessageType::leave)) say_farewell(worker);
  if (is(message, MessageType::facts) && seat.presence == Presence::introduced) begin_late(worker, message);
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
  const WorkerFacts facts = take_worker_facts(rest);
  home_->accept(worker, facts, rest);
}

/// While the run goes on.
void Roster::begin_late(std::uint32_t worker, const tpc_message& message) {
  try {
    take_facts(worker, message);
  } catch (const Failure& failure) {
    return turn_away(worker, failure);
  }
  Bytes stepsize;
  append(stepsize, home_->stepsize());
  if (tell(worker, MessageType::begin, 0, stepsize)) restore(worker);
}

/// One that wants to come back does not fit.
void Roster::turn_away(std::uint32_t worker, const Failure& failure) {
  channel_->refuse(tpc::member_of_worker(worker), failure);
  seats_[worker].presence = Presence::absent;
  warn(worker, "round " + std::to_string(round_) + ": " + worker_name(worker) + " was turned away: " + failure.what());
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
  try {
    home_->absorb_late(message.round, worker, *program);
    seats_[worker].presence = Presence::present;
  } catch (const Failure& failure) {
    if (failure.code() != Exit::peer) throw;
    expel(worker, failure);
  }
}

void Roster::come_back(std::uint32_t worker) {
  seats_[worker].presence = Presence::present;
  log_info("round " + std::to_string(round_) + ": " + worker_name(worker) +
           (seats_[worker].is_new ? " has joined" : " is back"));
}

double Roster::patience() const { return config_->faults.patience.value_or(channel_->timeout()); }

void Roster::await_return(std::uint32_t worker, std::int64_t until) {
  while (!is_present(worker)) {
    if (now() > until)
      throw Failure(seats_[worker].fault, seats_[worker].why + "; it did not come back within " +
                                              seconds_text(patience()) + " ([faults] patience)");
    listen(worker, std::min(until, now() + nanoseconds(0.05)));
    if (seats_[worker].presence == Presence::absent) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

bool Roster::is_anybody_present() const {
  return std::any_of(seats_.begin(), seats_.end(), [](const Seat& s) { return s.presence == Presence::present; });
}

void Roster::await_anybody() {
  if (is_anybody_present()) return;
  keep_leaving();
  const std::int64_t until = now() + nanoseconds(patience());
  while (!is_anybody_present()) {
    end_if_all_failed();
    if (now() > until)
      throw Failure(Exit::peer, "round " + std::to_string(round_) + ": no worker is left, and none came back within " +
                                    seconds_text(patience()) +
                                    " ([faults] patience); the last that is known: " + last_words());
    for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) listen(worker, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string Roster::last_words() const {
  const auto known = std::find_if(seats_.begin(), seats_.end(), [](const Seat& seat) { return !seat.why.empty(); });
  return known == seats_.end() ? "nothing" : known->why;
}

/// Who blames its plugins or data does not come back by itself; if that is everybody, waiting is in vain.
void Roster::end_if_all_failed() const {
  const auto failed = [](const Seat& seat) { return seat.presence == Presence::absent && seat.fault != Exit::peer; };
  if (std::all_of(seats_.begin(), seats_.end(), failed)) throw Failure(seats_.front().fault, seats_.front().why);
}

/// False if it is gone; then it is lost.
bool Roster::tell(std::uint32_t worker, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  try {
    channel_->send(tpc::member_of_worker(worker), type, round, data);
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
