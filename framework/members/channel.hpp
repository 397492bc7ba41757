// The transport, with the run's deadlines and with failures that name round and peer.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>

#include "members/messages.hpp"
#include "plugin/instances.hpp"

namespace threepc {

/// What came of listening to a member.
struct Heard {
  enum class What { message, silence, gone };
  What what = What::silence;
  tpc_message message = {};
  std::string why = {};    // it is gone
  Exit code = Exit::peer;  // whom it blames: another code than this if it blames its configuration, data or plugins
};

/// The transport with the run's time-out and with failures that name round and peer.
class Channel {
 public:
  static constexpr double goodbye_seconds = 2;

  /// `watch` is called about ten times a second in whatever waits; it throws to end the wait.
  Channel(Transport& transport, double timeout, std::function<void()> watch = {})
      : transport_(&transport), timeout_(timeout), watch_(std::move(watch)) {}

  void open(const std::string& address) { transport_->open(address, deadline()); }
  /// Server: until all workers are there, or `enough()`. Worker: until the server has taken it in, without watching.
  /// Throws Failure(Exit::peer), which names the missing.
  void join(const std::function<bool()>& enough = {});
  /// From now on `from` may send no longer message: one that announces more ends its connection.
  void limit(std::uint32_t from, std::uint64_t bytes) { transport_->limit(from, bytes); }
  void send(std::uint32_t to, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);
  void broadcast(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);
  /// The next message of `from`; a failure message is thrown as the Failure it carries. `waiting_for` says
  /// what is waited for: "its update".
  tpc_message receive(std::uint32_t from, std::uint64_t round, const char* waiting_for);
  /// receive, and Failure(Exit::peer) unless it is of this type and round.
  tpc_message expect(std::uint32_t from, MessageType type, std::uint64_t round, const char* waiting_for);
  /// The next message of `from` until a time of tpc_host.now, which may have passed. A failure message is how it went.
  Heard hear(std::uint32_t from, std::int64_t until);
  /// Tells one member that it cannot take part, as far as it can still be reached; it ends with the failure's code.
  void refuse(std::uint32_t member, const Failure& failure) noexcept;
  /// Tells everybody that the run failed, as far as they can still be reached.
  void broadcast_failure(const Failure& failure) noexcept;
  /// False if the others have not left within so many seconds; it may be called again then.
  bool close(double seconds = goodbye_seconds) noexcept;
  /// When this last looked at the clock, tpc_host.now: while it waits, every `slice`.
  std::int64_t looked() const { return looked_; }
  static constexpr std::int64_t slice = 100'000'000;  // ns between two looks at signals and child processes
  Transport& transport() { return *transport_; }
  double timeout() const { return timeout_; }
  /// "nothing came within 60 s ([transport] timeout); ..."
  std::string nothing_came() const;
  /// From now on, while this member waits, the workers hear often enough that it is there; see MessageType::patience.
  void begin_heartbeat() { next_heartbeat_ = 0; }

 private:
  std::int64_t deadline() const;
  /// Calls attempt(deadline) with short deadlines until it does not time out, watching in between.
  template <class Attempt>
  auto watched(std::int64_t last, Attempt attempt);
  void beat();

  Transport* transport_;
  double timeout_;
  std::function<void()> watch_;
  std::int64_t looked_ = 0;
  std::int64_t next_watch_ = 0;
  std::int64_t next_heartbeat_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace threepc
