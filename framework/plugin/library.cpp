#include "plugin/library.hpp"

#include <boost/dll/shared_library.hpp>
#include <list>
#include <mutex>

#include "failure.hpp"

namespace threepc {
namespace {

/// Keeps every mapping for the life of the process. Objects are only ever moved in: a copy would map the file
/// again in Boost.DLL's default mode, which tolerates unresolved symbols.
void keep_mapped(boost::dll::shared_library library) {
  static std::mutex mutex;
  static auto* const kept = new std::list<boost::dll::shared_library>;  // never destroyed: plugins stay mapped
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(library));
}

/// rtld_now: an unresolved symbol is refused here instead of ending the process at the first call into it.
/// The throwing overload: the other one loses dlerror's text.
boost::dll::shared_library map_file(const std::string& file) {
  namespace load_mode = boost::dll::load_mode;
  try {
    return boost::dll::shared_library(boost::dll::fs::path(file), load_mode::rtld_now | load_mode::rtld_local);
  } catch (const std::exception& error) {
    throw Failure(Exit::plugin, file + ": cannot be loaded: " + error.what());
  }
}

}  // namespace

Library load_library(const std::string& file) {
  boost::dll::shared_library mapped = map_file(file);
  if (!mapped.has(TPC_ENTRY_SYMBOL))
    throw Failure(Exit::plugin, file + ": is no threepc plugin: it exports no " TPC_ENTRY_SYMBOL
                                       " (end the source with THREEPC_PLUGINS(...))");
  const auto& entry = mapped.get<const tpc_entry>(TPC_ENTRY_SYMBOL);
  if (const std::string fault = check_entry(entry); !fault.empty()) throw Failure(Exit::plugin, file + ": " + fault);
  Library library{file, {entry.descriptors, entry.descriptors + entry.descriptor_count}};
  keep_mapped(std::move(mapped));
  return library;
}

}  // namespace threepc
