#include "record/profile.hpp"

#include <algorithm>
#include <cstdio>
#include <threepc/sdk/bytes.hpp>
#include <tuple>

#include "plugin/host_services.hpp"
#include "record/json.hpp"

namespace threepc {
namespace {

constexpr const char* names[phases] = {"gradient", "encode", "send", "wait", "absorb", "step", "evaluate"};

Phase phase_of(std::size_t index) { return static_cast<Phase>(index); }

double busy_seconds(const Profile& profile) {
  double all = 0;
  for (std::size_t i = 0; i < phases; ++i)
    if (phase_of(i) != Phase::wait) all += profile.seconds(phase_of(i));
  return all;
}

/// "gradient 41 %, encode 12 %, ...", the largest first; what is below half a percent is left out.
std::string shares(const std::array<double, phases>& seconds, double all) {
  std::vector<std::pair<double, const char*>> parts;
  for (std::size_t i = 0; i < phases; ++i) parts.emplace_back(all > 0 ? 100 * seconds[i] / all : 0, names[i]);
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  char part[48];
  for (const auto& [share, name] : parts) {
    if (share < 0.5) continue;
    std::snprintf(part, sizeof part, "%s%s %.0f %%", text.empty() ? "" : ", ", name, share);
    text += part;
  }
  return text.empty() ? "nothing" : text;
}

std::array<double, phases> seconds_of(const Profile& profile) {
  std::array<double, phases> out{};
  for (std::size_t i = 0; i < phases; ++i) out[i] = profile.seconds(phase_of(i));
  return out;
}

Json to_json(const Profile& profile) {
  if (!profile.on()) return nullptr;
  Json out = Json::object();
  for (std::size_t i = 0; i < phases; ++i)
    out[names[i]] = {{"seconds", profile.seconds(phase_of(i))}, {"calls", profile.total(phase_of(i)).calls}};
  return out;
}

void add_row(Json& events, std::size_t member, const std::string& name, const Profile& profile, std::int64_t zero) {
  events.push_back({{"name", "thread_name"}, {"ph", "M"}, {"pid", 0}, {"tid", member}, {"args", {{"name", name}}}});
  for (const Profile::Event& event : profile.events())
    events.push_back({{"name", name_of(event.phase)},
                      {"ph", "X"},
                      {"pid", 0},
                      {"tid", member},
                      {"ts", static_cast<double>(event.begin - zero) * 1e-3},
                      {"dur", static_cast<double>(event.nanoseconds) * 1e-3},
                      {"args", {{"round", event.round}}}});
}

}  // namespace

const char* name_of(Phase phase) { return names[static_cast<std::size_t>(phase)]; }

Profile::Scope::Scope(Profile& profile, Phase phase, std::uint64_t round)
    : profile_(profile.on_ ? &profile : nullptr), phase_(phase), round_(round) {
  if (profile_ != nullptr) begin_ = host_services().now();
}

Profile::Scope::~Scope() {
  if (profile_ == nullptr) return;
  const std::int64_t length = host_services().now() - begin_;
  Total& total = profile_->totals_[static_cast<std::size_t>(phase_)];
  total.nanoseconds += length;
  ++total.calls;
  if (profile_->events_.size() < profile_->most_) profile_->events_.push_back({phase_, round_, begin_, length});
}

Bytes Profile::to_bytes() const {
  Bytes out;
  if (!on_) return out;
  for (const Total& total : totals_) append(out, total.nanoseconds), append(out, total.calls);
  append(out, std::uint64_t{events_.size()});
  for (const Event& event : events_) {
    append(out, static_cast<std::uint8_t>(event.phase));
    append(out, event.round);
    append(out, event.begin);
    append(out, event.nanoseconds);
  }
  return out;
}

Profile Profile::from_bytes(std::span<const std::uint8_t> bytes) {
  Profile out;
  if (bytes.empty()) return out;
  out.begin(true);
  tpc::Reader in(bytes.data(), bytes.size());
  for (Total& total : out.totals_) total = {in.get<std::int64_t>(), in.get<std::uint64_t>()};
  const auto count = in.get<std::uint64_t>();
  if (count > most_events) throw tpc::Corrupt("more stretches of time than a profile has");
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto phase = in.get<std::uint8_t>();
    if (phase >= phases) throw tpc::Corrupt("an unknown phase");
    const auto round = in.get<std::uint64_t>();
    const auto begin = in.get<std::int64_t>();
    out.events_.push_back({static_cast<Phase>(phase), round, begin, in.get<std::int64_t>()});
  }
  in.finish();
  return out;
}

std::string profile_table(const RunProfile& profile) {
  std::string text = "  time of the server   " + shares(seconds_of(profile.server), profile.seconds) + "\n";
  std::array<double, phases> mean{};
  double count = 0;
  std::size_t slowest = 0;
  for (std::size_t i = 0; i < profile.workers.size(); ++i) {
    const Profile& worker = profile.workers[i];
    if (!worker.on()) continue;
    ++count;
    for (std::size_t p = 0; p < phases; ++p) mean[p] += worker.seconds(phase_of(p));
    if (busy_seconds(worker) > busy_seconds(profile.workers[slowest])) slowest = i;
  }
  if (count == 0) return text + "  time of the workers  unknown: none was there at the end\n";
  for (double& seconds : mean) seconds /= count;
  text += "  time of the workers  " + shares(mean, profile.seconds) + "\n";
  char line[96];
  std::snprintf(line, sizeof line, "  slowest              worker %zu, busy for %.3g s of %.3g s\n", slowest,
                busy_seconds(profile.workers[slowest]), profile.seconds);
  return text + line;
}

std::string profile_json(const RunProfile& profile) {
  Json workers = Json::array();
  for (const Profile& worker : profile.workers) workers.push_back(to_json(worker));
  return to_text({{"seconds", profile.seconds}, {"server", to_json(profile.server)}, {"workers", workers}}, 2) + "\n";
}

std::string trace_json(const RunProfile& profile) {
  Json events = Json::array();
  const std::int64_t zero = profile.server.events().empty() ? 0 : profile.server.events().front().begin;
  add_row(events, 0, "server", profile.server, zero);
  for (std::size_t i = 0; i < profile.workers.size(); ++i)
    add_row(events, i + 1, "worker " + std::to_string(i), profile.workers[i], zero);
  return to_text({{"traceEvents", events}, {"displayTimeUnit", "ms"}}) + "\n";
}

}  // namespace threepc
