// Which plugin call each thread is in: for the crash report, which runs in the thread itself, and for whoever waits for
// a thread that does not come back.
#pragma once

#include <threepc/abi.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace threepc {

inline constexpr std::uint64_t no_round = UINT64_MAX;  // of a call that belongs to none

/// One call, or the last one when `depth` of its record is 0. All that is pointed to lives as long as the process.
struct PluginCall {
  const tpc_descriptor* plugin = nullptr;
  const char* file = "";
  const char* name = "";  // "encode"
  std::uint32_t worker = TPC_SERVER;
  std::uint64_t round = no_round;
};

/// A thread's record. Its owner writes; a signal handler in that thread and other threads read.
class CallRecord {
 public:
  void begin(const PluginCall& call) {
    store(call);
    depth_.store(depth_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    bump();
  }
  /// `outer` is what was under way around the call; it stays as it is where there was nothing.
  void end(const PluginCall& outer) {
    const std::uint32_t left = depth_.load(std::memory_order_relaxed) - 1;
    if (left > 0) store(outer);
    depth_.store(left, std::memory_order_relaxed);
    bump();
  }

  PluginCall call() const {
    constexpr auto relaxed = std::memory_order_relaxed;
    return {plugin_.load(relaxed), file_.load(relaxed), name_.load(relaxed), worker_.load(relaxed),
            round_.load(relaxed)};
  }
  bool busy() const { return depth_.load(std::memory_order_relaxed) > 0; }
  /// Grows with every begin and end: the same number twice is the same call, still under way.
  std::uint64_t moves() const { return moves_.load(std::memory_order_acquire); }

 private:
  void store(const PluginCall& call) {
    constexpr auto relaxed = std::memory_order_relaxed;
    plugin_.store(call.plugin, relaxed), file_.store(call.file, relaxed), name_.store(call.name, relaxed);
    worker_.store(call.worker, relaxed), round_.store(call.round, relaxed);
  }
  void bump() { moves_.store(moves_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  std::atomic<const tpc_descriptor*> plugin_{nullptr};
  std::atomic<const char*> file_{""};
  std::atomic<const char*> name_{""};
  std::atomic<std::uint32_t> worker_{TPC_SERVER};
  std::atomic<std::uint64_t> round_{no_round};
  std::atomic<std::uint32_t> depth_{0};
  std::atomic<std::uint64_t> moves_{0};
};

namespace detail {
inline thread_local CallRecord* own_record = nullptr;
CallRecord& make_own_record();
}  // namespace detail

/// The calling thread's. The first use makes it, and gives the thread a stack of its own for crash reports.
inline CallRecord& own_calls() {
  return detail::own_record != nullptr ? *detail::own_record : detail::make_own_record();
}
/// The same for a signal handler: nullptr in a thread that never called a plugin.
inline const CallRecord* own_calls_if_any() { return detail::own_record; }

/// A call that one thread has been in for a while.
struct LongCall {
  PluginCall call;
  double seconds;  // since it was first seen
};

/// Looks at all threads again and again, and so learns how long a call lasts without a clock in the calls themselves.
/// One thread.
class CallWatch {
 public:
  /// Notes which calls are under way.
  void look();
  /// The calls that looks have found under way, unmoved, for at least so long; the longest first.
  std::vector<LongCall> longer_than(double seconds) const;

 private:
  struct Seen {
    const CallRecord* thread;
    std::uint64_t moves;
    std::int64_t since;  // ns of tpc_host.now
    PluginCall call;
  };
  std::vector<Seen> seen_;
};

/// "worker 3", "the server"
std::string party_of(std::uint32_t worker);
/// "compressor 'topk'"
std::string name_of(const tpc_descriptor& plugin);
/// "worker 3: compressor 'x' has been in encode of round 17 for 60 s; its file is FILE"
std::string text_of(const LongCall& call);

/// A copy of `text` that lives as long as the process; one for equal texts.
const char* interned(std::string_view text);

}  // namespace threepc
