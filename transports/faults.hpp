// What strangers do wrong, said once for each of them and counted from then on: a flood of connections is no flood of
// log lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <threepc/sdk.hpp>
#include <tuple>
#include <utility>

namespace threepc {

enum class Fault { tls, token, refused, frame, silent, crowded, left };

class FaultLog {
 public:
  /// `transport` is whose lines these are; it outlives this.
  FaultLog(const tpc_host& host, const char* transport) : host_(&host), transport_(transport) {}
  ~FaultLog() { count_up(); }
  FaultLog(const FaultLog&) = delete;
  FaultLog& operator=(const FaultLog&) = delete;

  /// `source` is the remote host, `who` that with its port, `text` what comes after "who".
  void note(const std::string& source, Fault fault, const std::string& who, const std::string& text) {
    const bool known = seen_.contains({source, fault});
    const bool one_more = known || seen_.size() < most_sources;
    Seen& seen = seen_[{one_more ? source : "other hosts", fault}];
    if (seen.times++ == 0) say(level_of(fault), (one_more ? who : "other hosts") + " " + text);
    seen.text = text;
  }

  /// Whether it has done something wrong.
  bool has_seen(const std::string& source) const {
    const auto at = seen_.lower_bound({source, Fault{}});
    return at != seen_.end() && at->first.first == source;
  }

  /// Says how often each came again, and forgets.
  void count_up() {
    for (const auto& [key, seen] : std::exchange(seen_, {}))
      if (seen.times > 1)
        say(level_of(key.second), key.first + " " + seen.text + " ... and " + with_commas(seen.times - 1) + " more");
  }

 private:
  static constexpr std::size_t most_sources = 256;
  struct Seen {
    std::uint64_t times = 0;
    std::string text;
  };

  /// Who may be a worker that was set up wrongly is worth a line on the terminal.
  static tpc_log_level level_of(Fault fault) {
    const bool may_be_ours = fault == Fault::tls || fault == Fault::token || fault == Fault::refused;
    return may_be_ours ? TPC_LOG_WARNING : TPC_LOG_INFO;
  }
  void say(tpc_log_level level, const std::string& text) const { host_->log(level, transport_, text.c_str()); }

  static std::string with_commas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
  }

  const tpc_host* host_;
  const char* transport_;
  std::map<std::pair<std::string, Fault>, Seen> seen_;
};

}  // namespace threepc
