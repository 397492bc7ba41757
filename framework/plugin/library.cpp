#include "plugin/library.hpp"

#include <elf.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <list>
#include <mutex>

#include "failure.hpp"
#include "plugin/float_control.hpp"
#include "plugin/upgrade.hpp"

namespace threepc {
namespace {

/// Keeps every mapping for the life of the process, once however often it is loaded. Objects are only ever moved in: a
/// copy would map the file again in Boost.DLL's default mode, which tolerates unresolved symbols.
void keep_mapped(boost::dll::shared_library library) {
  static std::mutex mutex;
  static auto* const kept = new std::list<boost::dll::shared_library>;  // never destroyed: plugins stay mapped
  const std::lock_guard lock(mutex);
  const auto is_it = [&](const auto& held) { return held.native() == library.native(); };
  if (std::none_of(kept->begin(), kept->end(), is_it)) kept->push_back(std::move(library));
}

/// dlopen of a library that is cut off ends the process with SIGBUS when it touches what is missing. What is no
/// 64-bit ELF file at all is left to dlopen, which refuses it.
bool is_cut_off(const std::string& file) {
  std::error_code ignored;
  const std::uint64_t size = std::filesystem::file_size(file, ignored);
  std::ifstream in(file, std::ios::binary);
  Elf64_Ehdr header{};
  if (!in.read(reinterpret_cast<char*>(&header), sizeof header) || header.e_ident[EI_CLASS] != ELFCLASS64) return false;
  in.seekg(static_cast<std::streamoff>(header.e_phoff));
  Elf64_Phdr segment{};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    if (!in.read(reinterpret_cast<char*>(&segment), sizeof segment)) return true;
    if (segment.p_filesz > size || segment.p_offset > size - segment.p_filesz) return true;
  }
  return false;
}

/// dlerror's text out of Boost.DLL's, which wraps it into the name of a function and an errno that means nothing.
std::string loader_text(std::string text) {
  constexpr std::string_view before = "failed: ", behind = ": Bad file descriptor";
  if (const auto at = text.find(before); at != text.npos) text.erase(0, at + before.size());
  if (const auto at = text.find(behind); at != text.npos) text.erase(at);
  return text;
}

/// rtld_now: an unresolved symbol is refused here instead of ending the process at the first call into it.
/// The throwing overload: the other one loses dlerror's text.
boost::dll::shared_library map_file(const std::string& file) {
  namespace load_mode = boost::dll::load_mode;
  if (is_cut_off(file))
    throw Failure(Exit::plugin, file + ": cannot be loaded: the file is cut off; copy or build it again");
  try {
    return boost::dll::shared_library(boost::dll::fs::path(file), load_mode::rtld_now | load_mode::rtld_local);
  } catch (const std::exception& error) {
    throw Failure(Exit::plugin, file + ": cannot be loaded: " + loader_text(error.what()));
  }
}

/// The static initialisers of a library run with it: those that -ffast-math links turn on flush-to-zero for the thread,
/// and for all that it starts.
boost::dll::shared_library map_without_trace(const std::string& file, std::string& warning) {
  const FloatControl before = FloatControl::now();
  boost::dll::shared_library mapped = map_file(file);
  const FloatControl after = FloatControl::now();
  if (after == before) return mapped;
  before.restore();
  warning = file + ": loading it " + after.changes_since(before) +
            ", as a library does that is linked with -ffast-math; that was put back. Build and link it without "
            "-ffast-math, -Ofast and -funsafe-math-optimizations";
  return mapped;
}

}  // namespace

Library load_library(const std::string& file) {
  std::string warning;
  boost::dll::shared_library mapped = map_without_trace(file, warning);
  if (!mapped.has(TPC_ENTRY_SYMBOL))
    throw Failure(Exit::plugin, file + ": is no threepc plugin: it exports no " TPC_ENTRY_SYMBOL
                                       " (end the source with THREEPC_PLUGINS(...))");
  const auto& entry = mapped.get<const tpc_entry>(TPC_ENTRY_SYMBOL);
  if (const std::string fault = check_entry(entry); !fault.empty()) throw Failure(Exit::plugin, file + ": " + fault);
  Library library{file, {}, warning};
  for (std::uint32_t i = 0; i < entry.descriptor_count; ++i)
    library.descriptors.push_back(upgraded(*entry.descriptors[i]));
  keep_mapped(std::move(mapped));
  return library;
}

}  // namespace threepc
