// Where the time of a run goes.
#pragma once

#include <threepc/abi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vector/bytes.hpp"

namespace threepc {

/// What a member does, each second of its rounds at most one of these.
enum class Phase : std::uint8_t {
  gradient,  // worker: f_i and its gradient
  encode,    // worker: the mechanism's message
  send,      // both: handing messages to the transport
  wait,      // both: until the next message is there
  absorb,    // server: replaying the workers' messages, and g
  step,      // server: x; worker: the server's step, replayed
  evaluate   // both: what is computed, sent and waited for because of the metrics
};
inline constexpr std::size_t phases = 7;
const char* name_of(Phase phase);

/// One member's. Off at first: then a scope costs nothing but a branch; on, two looks at the clock. One thread.
class Profile {
 public:
  struct Total {
    std::int64_t nanoseconds = 0;
    std::uint64_t calls = 0;
  };
  /// One stretch of a phase; `begin` is a time of tpc_host.now of that member's host.
  struct Event {
    Phase phase;
    std::uint64_t round;
    std::int64_t begin, nanoseconds;
  };

  /// Ends the phase when it goes. Scopes do not nest.
  class Scope {
   public:
    Scope(Profile& profile, Phase phase, std::uint64_t round);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Profile* profile_;  // nullptr: it is off
    Phase phase_;
    std::uint64_t round_;
    std::int64_t begin_ = 0;
  };

  static constexpr std::size_t most_events = 8192;  // of a member: the first are kept

  void begin(bool with_events) { on_ = true, most_ = with_events ? most_events : 0; }
  bool on() const { return on_; }
  const Total& total(Phase phase) const { return totals_[static_cast<std::size_t>(phase)]; }
  const std::vector<Event>& events() const { return events_; }
  double seconds(Phase phase) const { return static_cast<double>(total(phase).nanoseconds) * 1e-9; }

  /// As a worker sends it; empty if it is off. from_bytes throws tpc::Error for malformed bytes.
  Bytes to_bytes() const;
  static Profile from_bytes(std::span<const std::uint8_t> bytes);
  /// Of the longest.
  static constexpr std::size_t most_bytes = phases * 16 + 8 + most_events * 25;

 private:
  bool on_ = false;
  std::size_t most_ = 0;
  std::array<Total, phases> totals_;
  std::vector<Event> events_;
};

/// Of a whole run; a worker that is not on has said nothing.
struct RunProfile {
  double seconds = 0;  // of its rounds
  Profile server;
  std::vector<Profile> workers;
};

/// The rows of the final table: the server's phases, the workers' means, and the slowest of them.
std::string profile_table(const RunProfile& profile);
/// profile.json: seconds and calls of every phase of every member.
std::string profile_json(const RunProfile& profile);
/// Chrome's trace format, which Perfetto reads: a row for each member, the first stretches of each. Times of members on
/// other hosts are those of their own clocks.
std::string trace_json(const RunProfile& profile);

}  // namespace threepc
