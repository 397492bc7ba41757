#include "members/channel.hpp"

#include <algorithm>

#include "plugin/host_services.hpp"

namespace threepc {
namespace {

tpc_message message_of(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  return {sizeof(tpc_message), static_cast<std::uint32_t>(type), round, data.data(), data.size()};
}

std::int64_t from_now(double seconds) { return host_services().now() + static_cast<std::int64_t>(seconds * 1e9); }

}  // namespace

std::int64_t Channel::deadline() const { return from_now(timeout_); }

/// One look at the clock when the message is there already, which is the usual case.
template <class Attempt>
auto Channel::watched(std::int64_t last, Attempt attempt) {
  std::int64_t now = looked_ = host_services().now();
  for (;;) {
    if (watch_ && now >= next_watch_) {
      next_watch_ = now + slice;
      watch_();
      if (now >= next_heartbeat_) beat();
    }
    try {
      return attempt(watch_ ? std::min(last, now + slice) : last);
    } catch (const TransportFailure& failure) {
      now = looked_ = host_services().now();
      if (failure.status() == TPC_TIMEOUT && now < last) continue;
      if (watch_) watch_();  // a dead worker explains more than a closed connection
      throw;
    }
  }
}

/// A worker waits for as long as the server does, so without a sign of life it would leave when the server gives up on
/// another.
void Channel::beat() {
  next_heartbeat_ = from_now(timeout_ / 4);
  for (std::uint32_t member = 1; member <= transport_->membership().workers; ++member) {
    try {
      transport_->send(member, message_of(MessageType::patience, 0, {}), from_now(0.01));
    } catch (const TransportFailure&) {
      continue;  // gone, or reads nothing: whoever waits for it finds out
    }
  }
}

std::string Channel::nothing_came() const {
  return "nothing came within " + seconds_text(timeout_) +
         " ([transport] timeout); it is stopped, cut off, or slower than that";
}

void Channel::join(const std::function<bool()>& enough) {
  try {
    // A worker's is one attempt that cannot be taken up again; the server's is only waiting.
    if (transport_->membership().worker != TPC_SERVER) return transport_->join(deadline());
    watched(deadline(), [&](std::int64_t until) {
      try {
        transport_->join(until);
      } catch (const TransportFailure& failure) {
        if (failure.status() != TPC_TIMEOUT || !enough || !enough()) throw;
      }
    });
  } catch (const TransportFailure& failure) {
    if (failure.status() != TPC_TIMEOUT) throw;
    const std::string waited = "within " + seconds_text(timeout_) + " ([transport] timeout)";
    if (transport_->membership().worker != TPC_SERVER) throw Failure(Exit::peer, waited + ": " + failure.what());
    throw Failure(Exit::peer, failure.what() + (" " + waited) + "; start the missing ones, or raise it");
  }
}

void Channel::send(std::uint32_t to, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  try {
    transport_->send(to, message_of(type, round, data), deadline());
  } catch (const TransportFailure& failure) {
    throw Failure(failure.code(),
                  "round " + std::to_string(round) + ": sending to " + member_name(to) + ": " + failure.what());
  }
}

void Channel::broadcast(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  try {
    transport_->broadcast(message_of(type, round, data), deadline());
  } catch (const TransportFailure& failure) {
    throw Failure(failure.code(), "round " + std::to_string(round) + ": sending to all workers: " + failure.what());
  }
}

tpc_message Channel::receive(std::uint32_t from, std::uint64_t round, const char* waiting_for) {
  const auto where = [&] {
    return "round " + std::to_string(round) + ": waiting for " + waiting_for + " of " + member_name(from) + ": ";
  };
  try {
    const tpc_message message =
        watched(deadline(), [&](std::int64_t until) { return transport_->receive(from, until); });
    if (message.type == static_cast<std::uint32_t>(MessageType::failure))
      throw from_failure_message(payload_of(message), member_name(from));
    return message;
  } catch (const TransportFailure& failure) {
    if (failure.status() != TPC_TIMEOUT) throw Failure(failure.code(), where() + failure.what());
    throw Failure(Exit::peer, where() + nothing_came());
  }
}

tpc_message Channel::expect(std::uint32_t from, MessageType type, std::uint64_t round, const char* waiting_for) {
  const tpc_message message = receive(from, round, waiting_for);
  if (message.type != static_cast<std::uint32_t>(type) || message.round != round)
    throw Failure(Exit::peer, "round " + std::to_string(round) + ": " + member_name(from) + " sent a message of type " +
                                  std::to_string(message.type) + " for round " + std::to_string(message.round) +
                                  " in place of " + waiting_for);
  return message;
}

Heard Channel::hear(std::uint32_t from, std::int64_t until) {
  try {
    const tpc_message message =
        watched(until, [&](std::int64_t slice_end) { return transport_->receive(from, slice_end); });
    if (message.type != static_cast<std::uint32_t>(MessageType::failure)) return {Heard::What::message, message};
    const Failure said = from_failure_message(payload_of(message), member_name(from));
    return {Heard::What::gone, {}, said.what(), said.code()};
  } catch (const TransportFailure& failure) {
    if (failure.status() == TPC_TIMEOUT) return {};
    return {Heard::What::gone, {}, failure.what()};
  }
}

void Channel::refuse(std::uint32_t member, const Failure& failure) noexcept {
  try {
    const Bytes data = to_failure_message(failure);
    transport_->send(member, message_of(MessageType::failure, 0, data), from_now(goodbye_seconds));
  } catch (const std::exception&) {
    return;  // it is gone already
  }
}

void Channel::broadcast_failure(const Failure& failure) noexcept {
  for (std::uint32_t member = 1; member <= transport_->membership().workers; ++member) refuse(member, failure);
}

bool Channel::close(double seconds) noexcept {
  try {
    transport_->close(from_now(seconds));
    return true;
  } catch (const std::exception&) {
    return false;  // the other side is gone already
  }
}

}  // namespace threepc
