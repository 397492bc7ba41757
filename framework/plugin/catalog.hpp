// All plugins that can be named in a configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugin/library.hpp"

namespace threepc {

/// A plugin found in the search path.
struct Entry {
  const tpc_descriptor* descriptor;
  std::string file;
};

/// A file in the search path that is no usable plugin, with the reason.
struct Rejected {
  std::string file;
  std::string reason;
};

class Catalog {
 public:
  /// Loads every *.so of the folders, in order; a folder that is named twice is read once. A file that cannot
  /// be used is kept in rejected() and harms nobody else.
  explicit Catalog(const std::vector<std::string>& folders);

  /// `configured` ([plugins] path, absolute), then THREEPC_PLUGIN_PATH, then the folder installed beside the
  /// program. Throws Failure(Exit::usage) if a configured folder does not exist.
  static std::vector<std::string> search_path(const std::vector<std::string>& configured);

  /// Throws Failure: Exit::usage for an unknown id (lists what exists, the nearest first), Exit::plugin when
  /// two files offer it (names both). `place` is where the configuration names it.
  const Entry& find(tpc_kind kind, std::string_view id, const std::string& place) const;

  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Rejected>& rejected() const { return rejected_; }
  const std::vector<std::string>& folders() const { return folders_; }

 private:
  std::vector<std::string> folders_;
  std::vector<Entry> entries_;
  std::vector<Rejected> rejected_;
};

}  // namespace threepc
