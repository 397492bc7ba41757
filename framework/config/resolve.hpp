// From a table of the configuration to a checked PluginSpec.
#pragma once

#include <string>

#include "config/section.hpp"
#include "plugin/catalog.hpp"
#include "plugin/spec.hpp"

namespace threepc {

/// What resolving needs beside the table.
struct ResolveContext {
  const Catalog& catalog;
  std::string file;    // the configuration, for messages
  std::string folder;  // its folder, for relative paths
  tpc_dtype dtype;
  bool data_is_elsewhere = false;  // a file that is not here is no error
};

/// Reads `plugin`, every parameter and every child slot of `section`; keys that the host owns must have been
/// taken before. `fallback` is the plugin when none is named; nullptr: it must be named. Throws Failure.
PluginSpec resolve_plugin(Section& section, tpc_kind kind, const char* fallback, const ResolveContext& context);

}  // namespace threepc
