// All plugins that can be named in a configuration.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/library.hpp"
#include "plugin/scan.hpp"

namespace threepc {

/// A plugin of the search path whose file is mapped.
struct Entry {
  const tpc_descriptor* descriptor;
  std::string file;
};

/// A file in the search path that is no usable plugin, with the reason.
struct Rejected {
  std::string file;
  std::string reason;
};

/// Any thread.
class Catalog {
 public:
  /// Learns what every *.so of the folders offers, in order, and maps none of them into this process; a folder that is
  /// named twice is read once. A file that cannot be used is kept in rejected() and harms nobody else.
  explicit Catalog(const std::vector<std::string>& folders);

  /// `configured` ([plugins] path, absolute), then THREEPC_PLUGIN_PATH, then the folder installed beside the
  /// program. Throws Failure(Exit::usage) if a configured folder does not exist.
  static std::vector<std::string> search_path(const std::vector<std::string>& configured);

  /// Maps the one file that offers it. Throws Failure: Exit::usage for an unknown id (lists what exists, the nearest
  /// first), Exit::plugin when two files offer it (names both). `place` is where the configuration names it. The entry
  /// lives as long as the catalog.
  const Entry& find(tpc_kind kind, std::string_view id, const std::string& place) const;

  /// Every plugin, each file mapped: for who looks at plugins, not for a run.
  const std::vector<Entry>& entries() const;

  /// What mapping a file that was found did to the process, and was undone; a text for each such file.
  std::vector<std::string> warnings() const;

  const std::vector<Offer>& offers() const { return offers_; }
  const std::vector<Rejected>& rejected() const { return rejected_; }
  const std::vector<std::string>& folders() const { return folders_; }

 private:
  const Offer& offer_of(tpc_kind kind, std::string_view id, const std::string& place) const;
  Library load(const std::string& file) const;

  std::vector<std::string> folders_;
  std::vector<Offer> offers_;
  std::vector<Rejected> rejected_;
  mutable std::mutex mutex_;         // of what follows
  mutable std::deque<Entry> found_;  // a deque, because callers keep references
  mutable std::vector<Entry> entries_;
  mutable std::vector<std::string> warnings_;
};

}  // namespace threepc
