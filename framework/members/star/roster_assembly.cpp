// How a run begins: who is there, and fits.
#include <algorithm>

#include "members/message_bounds.hpp"
#include "members/star/roster.hpp"

namespace threepc {

std::uint32_t Roster::fewest() const {
  const bool later = (config_->transport.descriptor->capabilities & TPC_REJOINS) != 0;
  return later ? config_->start : config_->workers;
}

void Roster::assemble(const std::function<bool(std::uint32_t)>& is_needed) {
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    seats_[worker].presence = Presence::absent;
    if (worker > 0) channel_->limit(tpc::member_of_worker(worker), longest_before_dimension);
  }
  const auto enough = [&] { return may_begin(is_needed); };
  channel_->join(fewest() < config_->workers ? std::function<bool()>(enough) : nullptr);
  while (!enough()) await_greeting();
  const std::string lines = agreement_text(*config_);
  tell_assembled(MessageType::configuration, 0, [&](std::uint32_t) { return bytes_of(lines); });
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (is_present(worker))
      take_facts(worker, channel_->expect(tpc::member_of_worker(worker), MessageType::facts, 0, "the problem's facts"));
}

bool Roster::may_begin(const std::function<bool(std::uint32_t)>& is_needed) {
  std::uint32_t present = 0;
  bool all_needed = true;
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    if (!is_present(worker)) greet(worker);
    present += is_present(worker);
    all_needed = all_needed && (is_present(worker) || (worker > 0 && !is_needed(worker)));
  }
  return all_needed && present >= fewest();
}

/// Who has joined says hello.
void Roster::greet(std::uint32_t worker) {
  const Heard heard = channel_->hear(tpc::member_of_worker(worker), 0);
  if (heard.code != Exit::peer) throw Failure(heard.code, heard.why);
  if (heard.what == Heard::What::message && heard.message.type == static_cast<std::uint32_t>(MessageType::hello))
    seats_[worker].presence = Presence::present;
}

void Roster::await_greeting() {
  const auto missing =
      std::find_if(seats_.begin(), seats_.end(), [](const Seat& seat) { return seat.presence != Presence::present; });
  const auto worker = static_cast<std::uint32_t>(missing - seats_.begin());
  channel_->expect(tpc::member_of_worker(worker), MessageType::hello, 0, "the greeting");
  missing->presence = Presence::present;
}

/// One that is gone is passed over: what it or another said before explains more than that it left, and is read next.
void Roster::tell_assembled(MessageType type, std::uint64_t round,
                            const std::function<std::span<const std::uint8_t>(std::uint32_t)>& data) {
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker) {
    if (!is_present(worker)) continue;
    try {
      channel_->send(tpc::member_of_worker(worker), type, round, data(worker));
    } catch (const Failure& failure) {
      if (failure.code() != Exit::peer) throw;
    }
  }
}

void Roster::restore_all(std::uint64_t round, const std::vector<Bytes>& states) {
  tell_assembled(MessageType::restore, round, [&](std::uint32_t worker) { return std::span(states[worker]); });
  for (std::uint32_t worker = 0; worker < seats_.size(); ++worker)
    if (is_present(worker))
      channel_->expect(tpc::member_of_worker(worker), MessageType::restore, round, "its word that it has its state");
}

}  // namespace threepc
