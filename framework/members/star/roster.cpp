#include "members/star/roster.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "plugin/host_services.hpp"
#include "record/log.hpp"

namespace threepc {
namespace {

std::int64_t now() { return host_services().now(); }
std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

bool is(const tpc_message& message, MessageType type) { return message.type == static_cast<std::uint32_t>(type); }

}  // namespace

Roster::Roster(const RunConfig& config, Channel& channel, Home& home)
    : config_(&config),
      channel_(&channel),
      home_(&home),
      survives_(config.faults.on_worker_loss != Faults::OnLoss::stop &&
                (config.transport.descriptor->capabilities & TPC_REJOINS) != 0),
      seats_(config.workers) {}

void Roster::admit(std::uint64_t round) {
  round_ = round;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (!is_present(worker)) listen(worker, 0);
  await_anybody();
  dismiss_leaving();
}

void Roster::ask(std::uint64_t round, bool evaluate, const std::vector<bool>& sampled) {
  const bool in_process = (config_->transport.descriptor->capabilities & TPC_IN_PROCESS) != 0;
  round_ = round;
  began_ = now();
  evaluate_ = evaluate;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    Seat& seat = seats_[worker];
    seat.update.reset();
    seat.asked = (is_present(worker) || is_awaited(worker)) && (sampled.empty() || sampled[worker]);
    if (is_told(worker)) home_->count_letter(worker, seat.asked);
  }
  if (tell_all(round)) return;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    if (!is_present(worker)) continue;
    if (is_told(worker))
      tell_x(worker, question_to(worker), round);
    else if (in_process)  // a thread drives many workers in turn, so each gets a message
      tell(worker, MessageType::patience, round, {});
  }
}

bool Roster::is_told(std::uint32_t worker) const {
  return seats_[worker].asked || (evaluate_ && is_present(worker) && home_->is_member(worker));
}

/// At once, if all are asked, and in the same words. False: nobody was told anything.
bool Roster::tell_all(std::uint64_t round) {
  const auto is_asked = [](const Seat& seat) { return seat.asked && seat.presence == Presence::present; };
  if (!std::all_of(seats_.begin(), seats_.end(), is_asked)) return false;
  const Downlink::Letter first = home_->letter(0);
  for (std::uint32_t worker = 1; worker < seats_.size(); ++worker)
    if (home_->letter(worker).bytes.data() != first.bytes.data()) return false;
  channel_->broadcast(type_of({first.form, true, evaluate_}), round, first.bytes);
  return true;
}

bool Roster::tell_x(std::uint32_t worker, Question question, std::uint64_t round) {
  const Downlink::Letter letter = home_->letter(worker);
  question.form = letter.form;
  return tell(worker, type_of(question), round, letter.bytes);
}

/// The last worker's message is waited for first: when it is there, mostly all are, and one wait does for a round.
void Roster::collect() {
  for (std::uint32_t worker = static_cast<std::uint32_t>(seats_.size()); worker-- > 0;)
    if (seats_[worker].asked) await_update(worker);
}

void Roster::exchange(Relay& relay, bool evaluation) {
  relay_ = &relay;
  for (std::uint32_t stage = 0; stage < relay.exchanges(); ++stage) {
    for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
      await_parcels(worker, evaluation ? Question{Form::model, false, true} : question_to(worker));
    relay.close_stage();
    for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
      if (is_present(worker)) tell(worker, MessageType::exchange, round_, relay.mail(worker, stage));
  }
}

void Roster::await_parcels(std::uint32_t worker, Question question) {
  if (obtain(worker, {MessageType::exchange, round_, "what it has for its peers", question, false})) return;
  throw Failure(Exit::peer, "round " + std::to_string(round_) + ": " + worker_name(worker) +
                                " is gone, and without what it has for its peers no gradient is known");
}

/// Whether it is what is wanted: one that came back plays the evaluation again, and hears what it has heard before.
bool Roster::take_parcels(std::uint32_t worker, const Wanted& wanted, const tpc_message& message) {
  try {
    const std::uint32_t stage = relay_->take(worker, round_, payload_of(message));
    if (stage == relay_->open_stage()) return is(message, wanted.type);
    tell(worker, MessageType::exchange, round_, relay_->mail(worker, stage));
  } catch (const Failure& failure) {
    lose(worker, worker_name(worker) + ": " + failure.what(), true);
  }
  return false;
}

void Roster::await_update(std::uint32_t worker) {
  seats_[worker].update.reset();
  if (const auto message = obtain(worker, wanted_update())) seats_[worker].update = program_of(payload_of(*message));
}

void Roster::refuse(std::uint32_t worker, const Failure& failure) {
  expel(worker, failure);
  await_update(worker);
}

void Roster::expel(std::uint32_t worker, const Failure& failure) {
  seats_[worker].update.reset();
  channel_->refuse(tpc::member_of_worker(worker), failure);
  lose(worker, failure.what(), false, failure.code());
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
      obtain(worker, {MessageType::evaluation, round_, "the evaluation", {Form::model, false, true}, false});
  return message ? std::optional(payload_of(*message)) : std::nullopt;
}

std::optional<std::span<const std::uint8_t>> Roster::diagnosis(std::uint32_t worker) {
  if (!is_present(worker)) return std::nullopt;
  const auto message = obtain(worker, {MessageType::diagnosis, round_, "the diagnosis", {}, false});
  return message ? std::optional(payload_of(*message)) : std::nullopt;
}

std::optional<std::span<const std::uint8_t>> Roster::profile(std::uint32_t worker) {
  if (!is_present(worker)) return std::nullopt;
  const auto message = obtain(worker, {MessageType::profile, round_, "the profile", {}, false});
  return message ? std::optional(payload_of(*message)) : std::nullopt;
}

void Roster::announce(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (is_present(worker)) tell(worker, type, round, data);
}

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
      if (const auto message = obtain(worker, {MessageType::snapshot, snapshot_round_, "the state", {}, false}))
        seat.snapshot.emplace(message->data, message->data + message->size);
    seat.snapshot_due = false;
    out.push_back(std::exchange(seat.snapshot, std::nullopt));
  }
  return out;
}

/// One deadline, whatever comes before it. A worker that is lost meanwhile and comes back has as long once more, but
/// only within the run's patience, which counts from when it was first lost.
std::optional<tpc_message> Roster::obtain(std::uint32_t worker, const Wanted& wanted) {
  std::int64_t until = deadline(wanted);
  std::optional<std::int64_t> give_up;
  for (;;) {
    if (!is_present(worker)) {
      if (goes_on_without(worker)) return std::nullopt;
      if (!give_up) give_up = now() + nanoseconds(patience());
      await_return(worker, *give_up);
      const bool lost_for_good = wanted.type == MessageType::snapshot || wanted.type == MessageType::diagnosis ||
                                 wanted.type == MessageType::profile;
      if (lost_for_good) return std::nullopt;  // it has forgotten; the ledger knows what its state was
      if (!tell_x(worker, wanted.question, wanted.round)) continue;
      until = deadline(wanted);
    }
    const Heard heard = channel_->hear(tpc::member_of_worker(worker), until);
    if (heard.what == Heard::What::message && is_wanted(worker, wanted, heard.message)) return heard.message;
    if (heard.what == Heard::What::gone)
      lose(worker, "waiting for " + std::string(wanted.name) + " of " + worker_name(worker) + ": " + heard.why, false,
           heard.code);
    else if (is_present(worker) && (heard.what == Heard::What::silence || now() > until))
      on_silence(worker, wanted);
  }
}

/// Lost between two rounds, perhaps; who has yet to join for the first time is not waited for.
bool Roster::is_awaited(std::uint32_t worker) const { return !goes_on_without(worker) && !seats_[worker].why.empty(); }

bool Roster::goes_on_without(std::uint32_t worker) const {
  const Presence presence = seats_[worker].presence;
  const bool gone_well = presence == Presence::late || presence == Presence::leaving || presence == Presence::left;
  return gone_well || config_->faults.on_worker_loss != Faults::OnLoss::wait;
}

/// Judges a message of a worker that is present, and deals with those that are something else.
bool Roster::is_wanted(std::uint32_t worker, const Wanted& wanted, const tpc_message& message) {
  Seat& seat = seats_[worker];
  if (is(message, MessageType::exchange) && relay_ != nullptr && message.round == round_)
    return take_parcels(worker, wanted, message);
  if (is(message, wanted.type) && message.round == wanted.round) {
    const bool damaged = is(message, MessageType::update) && !unseal(payload_of(message), wanted.round);
    if (damaged) lose(worker, worker_name(worker) + " sent a damaged update: its checksum does not match", true);
    return !damaged;
  }
  if (is(message, MessageType::snapshot) && seat.snapshot_due && message.round == snapshot_round_) {
    seat.snapshot.emplace(message.data, message.data + message.size);
    seat.snapshot_due = false;
    return false;
  }
  if (is(message, MessageType::leave)) {
    say_farewell(worker);
    return false;
  }
  if (is(message, MessageType::astray) && message.round == round_ && home_->distrust(worker)) {
    tell_x(worker, question_to(worker), round_);
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

/// Without a look at the clock, which would be one for every message.
std::int64_t Roster::deadline(const Wanted& wanted) const {
  const std::int64_t recently = std::max(began_, channel_->looked());
  const std::int64_t whole = recently + Channel::slice + nanoseconds(channel_->timeout());
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

}  // namespace threepc
