// One plugin file: mapped, checked before any of its functions runs, and never unmapped.
#pragma once

#include <threepc/abi.h>

#include <span>
#include <string>
#include <vector>

namespace threepc {

/// A mapped and checked plugin library. The mapping lives as long as the process: descriptors, and whatever
/// code a plugin has registered somewhere, stay valid.
struct Library {
  std::string file;
  std::vector<const tpc_descriptor*> descriptors;
  std::string warning = "";  // what mapping it did to the process, and was undone; "" for nothing
};

/// Maps `file` and checks its entry. Throws Failure(Exit::plugin) with the reason: not a library, an
/// unresolved symbol, no tpc_entry_v1, or what check_entry finds.
Library load_library(const std::string& file);

/// What is wrong with an entry, "" if nothing: magic, ABI version, struct sizes, required functions,
/// parameter and slot tables, ids. Reads only; calls nothing of the plugin.
std::string check_entry(const tpc_entry& entry);

}  // namespace threepc
