#include "runtime/protocol.hpp"

#include <algorithm>
#include <cstdio>
#include <threepc/sdk/bytes.hpp>

#include "hash.hpp"

namespace threepc {
namespace {

constexpr std::uint8_t facts_curvature = 1, facts_data = 2, facts_own = 4;  // the flags of WorkerFacts

tpc_message message_of(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data) {
  return {sizeof(tpc_message), static_cast<std::uint32_t>(type), round, data.data(), data.size()};
}

/// A person reads no more than a screen.
std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 2000;
  return text.size() > longest ? text.substr(0, longest) + "..." : text;
}

std::int64_t from_now(double seconds) { return host_services().now() + static_cast<std::int64_t>(seconds * 1e9); }

/// By form, then: update, both, evaluation.
constexpr MessageType questions[3][3] = {
    {MessageType::model, MessageType::model_evaluate, MessageType::evaluate},
    {MessageType::steps, MessageType::steps_evaluate, MessageType::evaluate_steps},
    {MessageType::state, MessageType::state_evaluate, MessageType::evaluate_state}};

}  // namespace

MessageType type_of(const Question& question) {
  return questions[static_cast<std::size_t>(question.form)]
                  [question.evaluation + (question.evaluation && !question.update)];
}

std::optional<Question> question_of(std::uint32_t type) {
  for (const Form form : {Form::model, Form::steps, Form::state})
    for (const auto& [update, evaluation] : {std::pair(true, false), std::pair(true, true), std::pair(false, true)})
      if (static_cast<std::uint32_t>(type_of({form, update, evaluation})) == type)
        return Question{form, update, evaluation};
  return std::nullopt;
}

bool update_is_gradient(const RunConfig& config, std::uint64_t round) {
  return round == 0 && config.init == Init::gradient && config.evaluate == Evaluate::exact && !config.batch &&
         config.momentum == 1;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

void seal(Bytes& program, std::uint64_t round) { append(program, hash64(program.data(), program.size(), round)); }

std::optional<std::span<const std::uint8_t>> unseal(std::span<const std::uint8_t> update, std::uint64_t round) {
  if (update.size() < sizeof(std::uint64_t)) return std::nullopt;
  const auto program = update.first(update.size() - sizeof(std::uint64_t));
  const std::uint64_t said = tpc::Values<std::uint64_t>(update.data() + program.size())[0];
  if (hash64(program.data(), program.size(), round) != said) return std::nullopt;
  return program;
}

std::string agreement_text(const RunConfig& config) {
  std::string text;
  for (const std::string& line : agreement(config)) text += line + "\n";
  return text;
}

std::string member_name(std::uint32_t member) {
  return member == 0 ? "the server" : "worker " + std::to_string(member - 1);
}

Bytes to_failure_message(const Failure& failure) {
  Bytes out;
  append(out, static_cast<std::uint32_t>(failure.code()));
  const std::string text = failure.what();
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

Failure from_failure_message(std::span<const std::uint8_t> bytes, const std::string& who) {
  std::uint32_t code = 0;
  if (bytes.size() >= sizeof code) std::memcpy(&code, bytes.data(), sizeof code);
  const bool known = code >= 1 && code <= 6;
  const std::string text =
      bytes.size() > sizeof code ? shortened(text_of(bytes.subspan(sizeof code))) : "gave no reason";
  return {known ? static_cast<Exit>(code) : Exit::peer, who + ": " + text};
}

Bytes to_bytes(const WorkerFacts& facts) {
  Bytes out;
  append(out, facts.dim);
  append(out, static_cast<std::uint8_t>((facts.has_curvature ? facts_curvature : 0) |
                                        (facts.data_digest != 0 ? facts_data : 0) | (facts.own_data ? facts_own : 0)));
  append(out, facts.L_i);
  append(out, facts.L_minus);
  append(out, facts.hessian_spread);
  append(out, static_cast<std::uint32_t>(facts.blocks.size()));
  for (const Block& block : facts.blocks) append(out, block.rows), append(out, block.columns);
  if (facts.data_digest != 0) append(out, facts.data_digest);
  return out;
}

WorkerFacts take_worker_facts(std::span<const std::uint8_t>& bytes) {
  try {
    tpc::Reader in(bytes.data(), bytes.size());
    WorkerFacts facts;
    facts.dim = in.get<std::uint32_t>();
    if (facts.dim == 0 || facts.dim == UINT32_MAX) throw tpc::Corrupt("d is not in 1 .. 2^32 - 2");
    const auto flags = in.get<std::uint8_t>();
    if (flags > (facts_curvature | facts_data | facts_own)) throw tpc::Corrupt("unknown flags");
    facts.has_curvature = (flags & facts_curvature) != 0;
    facts.own_data = (flags & facts_own) != 0;
    facts.L_i = in.get<double>();
    facts.L_minus = in.get<double>();
    facts.hessian_spread = in.get<double>();
    std::uint64_t covered = 0;
    for (std::uint32_t left = in.get<std::uint32_t>(); left > 0; --left) {
      const Block block{in.get<std::uint32_t>(), in.get<std::uint32_t>()};
      covered += std::uint64_t{block.rows} * block.columns;
      // In every step, because sums of hostile products can come round to dim again.
      if (block.rows == 0 || block.columns == 0 || covered > facts.dim)
        throw tpc::Corrupt("a block is empty or reaches beyond the vector");
      facts.blocks.push_back(block);
    }
    if (!facts.blocks.empty() && covered != facts.dim) throw tpc::Corrupt("the blocks do not cover the vector");
    if ((flags & facts_data) != 0) facts.data_digest = in.get<std::uint64_t>();
    if ((flags & facts_data) != 0 && facts.data_digest == 0) throw tpc::Corrupt("a digest of nothing");
    bytes = in.take_rest();
    return facts;
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: facts: ") + error.what());
  }
}

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
