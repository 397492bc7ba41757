#include "plugin/calls.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "plugin/crash.hpp"
#include "plugin/host_services.hpp"
#include "plugin/instances.hpp"
#include "plugin/kinds.hpp"

namespace threepc {
namespace {

constexpr std::string_view lasting = " has been in ", came_back = " came back";

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

CallWatchdog::CallWatchdog(double seconds, std::function<void(const std::string&)> tell)
    : seconds_(seconds), tell_(std::move(tell)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

/// One call is told of at a time: a worker process makes its calls in one thread.
void CallWatchdog::run(const std::stop_token& stop) {
  const auto pause = std::chrono::duration<double>(std::min(1.0, seconds_ / 20));
  std::mutex mutex;
  std::condition_variable_any wake;
  std::string told;
  for (CallWatch watch; !stop.stop_requested();) {
    watch.look();
    const std::vector<LongCall> found = watch.longer_than(seconds_);
    if (!found.empty() && told.empty()) tell_(text_of(found.front()));
    if (found.empty() && !told.empty()) tell_(told + std::string(came_back));
    told = found.empty() ? "" : party_of(found.front().call.worker) + ": " + name_of(*found.front().call.plugin);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, pause, [] { return false; });
  }
}

std::string long_call_in(std::string_view text) {
  constexpr std::string_view lead = "threepc: ";
  std::string found;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(lead)) continue;
    line.remove_prefix(lead.size());
    if (line.find(lasting) != line.npos) found = line;
    if (line.ends_with(came_back)) found.clear();
  }
  return found;
}

std::string party_of(std::uint32_t worker) {
  return worker == TPC_SERVER ? "the server" : "worker " + std::to_string(worker);
}

std::string name_of(const tpc_descriptor& plugin) {
  return std::string(kind_name(plugin.kind)) + " '" + plugin.id + "'";
}

std::string text_of(const LongCall& call) {
  const PluginCall& c = call.call;
  char lasted[32];
  std::snprintf(lasted, sizeof lasted, "%.3g s", call.seconds);
  return party_of(c.worker) + ": " + name_of(*c.plugin) + std::string(lasting) + c.name +
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
