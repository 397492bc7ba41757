#include "plugin/calls.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>

#include "plugin/crash.hpp"
#include "plugin/instances.hpp"

namespace threepc {
namespace {

/// Every thread that has a record. Never destroyed, because threads may outlive it.
struct Threads {
  std::mutex mutex;
  std::vector<const CallRecord*> records;
};
Threads& threads() {
  static auto* const all = new Threads;
  return *all;
}

/// Owns the record of one thread.
struct Registered {
  CallRecord record;
  SignalStack stack;
  Registered() {
    const std::lock_guard lock(threads().mutex);
    threads().records.push_back(&record);
  }
  Registered(const Registered&) = delete;
  ~Registered() {
    detail::own_record = nullptr;
    const std::lock_guard lock(threads().mutex);
    std::erase(threads().records, &record);
  }
};

}  // namespace

CallRecord& detail::make_own_record() {
  thread_local Registered own;
  own_record = &own.record;
  return own.record;
}

void CallWatch::look() {
  const std::int64_t now = host_services().now();
  std::vector<Seen> found;
  const std::lock_guard lock(threads().mutex);
  for (const CallRecord* record : threads().records) {
    const std::uint64_t moves = record->moves();
    if (!record->busy()) continue;
    const auto same = [&](const Seen& seen) { return seen.thread == record && seen.moves == moves; };
    const auto known = std::find_if(seen_.begin(), seen_.end(), same);
    found.push_back({record, moves, known == seen_.end() ? now : known->since, record->call()});
  }
  seen_ = std::move(found);
}

std::vector<LongCall> CallWatch::longer_than(double seconds) const {
  const std::int64_t now = host_services().now();
  std::vector<LongCall> out;
  for (const Seen& seen : seen_) {
    const double lasted = static_cast<double>(now - seen.since) * 1e-9;
    const bool waits = seen.call.plugin == nullptr || seen.call.plugin->kind == TPC_TRANSPORT;  // it has a deadline
    if (lasted >= seconds && !waits) out.push_back({seen.call, lasted});
  }
  std::sort(out.begin(), out.end(), [](const LongCall& a, const LongCall& b) { return a.seconds > b.seconds; });
  return out;
}

std::string party_of(std::uint32_t worker) {
  return worker == TPC_SERVER ? "the server" : "worker " + std::to_string(worker);
}

std::string name_of(const tpc_descriptor& plugin) { return std::string(kind_name(plugin.kind)) + " '" + plugin.id + "'"; }

std::string text_of(const LongCall& call) {
  const PluginCall& c = call.call;
  char lasted[32];
  std::snprintf(lasted, sizeof lasted, "%.3g s", call.seconds);
  return party_of(c.worker) + ": " + name_of(*c.plugin) + " has been in " + c.name +
         (c.round == no_round ? "" : " of round " + std::to_string(c.round)) + " for " + lasted + "; its file is " +
         c.file;
}

const char* interned(std::string_view text) {
  static std::mutex mutex;
  static auto* const kept = new std::set<std::string, std::less<>>;
  const std::lock_guard lock(mutex);
  const auto at = kept->find(text);
  return (at != kept->end() ? at : kept->emplace(text).first)->c_str();
}

}  // namespace threepc
