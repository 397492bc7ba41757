// The keys of a configuration that are the host's own: one row a key, from which it is read, checked, written, agreed
// on, and documented.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "config/run_config.hpp"
#include "config/section.hpp"

namespace threepc {

struct HostKey {
  const char* table;  // "run", "run.stop"; the host has keys in the tables of plugins, too
  const char* name;
  Bounds bounds;        // of numbers
  const char* meaning;  // Markdown, one line
  const char* preset;   // the default in words, where RunConfig's is not the whole truth; else nullptr
  bool agreed;          // server and workers, and a run with the checkpoint that it goes on from
  /// Takes the key, if it is there. Throws Failure(Exit::usage). nullptr: whoever reads the table does.
  void (*read)(Section&, const HostKey&, RunConfig&);
  /// What config.toml says; nullopt: nothing.
  std::optional<Value> (*value)(const RunConfig&);
};

/// All, in the order of docs/configuration.md, config.toml and agreement().
std::span<const HostKey> host_keys();
/// Takes all that belong to the section.
void read_host_keys(Section& section, RunConfig& config);

/// The text of a default: "1000", "`\"auto\"`", "none".
std::string preset_text(const HostKey& key);
/// The table of docs/configuration.md.
std::string host_keys_markdown();

}  // namespace threepc
