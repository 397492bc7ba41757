#include "plugin/catalog.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "failure.hpp"
#include "nearest.hpp"
#include "plugin/kinds.hpp"
#include "plugin/spec.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

/// Sorted. `error` says why the folder could not be read to its end.
std::vector<std::string> libraries_in(const std::string& folder, std::error_code& error) {
  std::vector<std::string> files;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error))
    if (item->path().extension() == ".so") files.push_back(item->path().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Whether this file was meant to offer it: problem-x.so or x.so for the problem 'x'.
bool is_called_after(const Rejected& file, tpc_kind kind, std::string_view id) {
  const std::string stem = fs::path(file.file).stem().string();
  return stem == id || stem == std::string(kind_name(kind)) + "-" + std::string(id);
}

std::vector<std::string> split_path_list(const char* list) {
  std::vector<std::string> folders;
  std::string_view rest = list == nullptr ? "" : list;
  while (!rest.empty()) {
    const std::string_view first = rest.substr(0, rest.find(':'));
    if (!first.empty()) folders.emplace_back(first);
    rest.remove_prefix(std::min(rest.size(), first.size() + 1));
  }
  return folders;
}

/// bin/threepc finds lib/threepc/plugins beside bin, in the build tree and where it is installed.
fs::path installed_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib/threepc/plugins";
}

}  // namespace

Catalog::Catalog(const std::vector<std::string>& folders) {
  std::vector<std::string> files;
  for (const std::string& folder : folders) {
    std::error_code error;
    const std::string real = fs::weakly_canonical(folder, error).string();
    if (!fs::is_directory(real, error) || std::find(folders_.begin(), folders_.end(), real) != folders_.end()) continue;
    folders_.push_back(real);
    for (std::string& file : libraries_in(real, error)) files.push_back(std::move(file));
    if (error) rejected_.push_back({real, real + ": cannot be read: " + error.message()});
  }
  const std::vector<ScannedFile> scanned = scan_files(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    offers_.insert(offers_.end(), scanned[i].offers.begin(), scanned[i].offers.end());
    if (!scanned[i].reason.empty()) rejected_.push_back({files[i], scanned[i].reason});
  }
}

std::vector<std::string> Catalog::search_path(const std::vector<std::string>& configured) {
  std::vector<std::string> folders;
  for (const std::string& folder : configured) {
    if (std::error_code error; !fs::is_directory(folder, error))
      throw Failure(Exit::usage, "[plugins] path: there is no folder " + folder);
    folders.push_back(folder);
  }
  for (const std::string& folder : split_path_list(std::getenv("THREEPC_PLUGIN_PATH"))) folders.push_back(folder);
  folders.push_back(installed_folder().string());
  return folders;
}

const Offer& Catalog::offer_of(tpc_kind kind, std::string_view id, const std::string& place) const {
  std::vector<const Offer*> found;
  std::vector<std::string> known;
  for (const Offer& offer : offers_) {
    if (offer.kind != kind) continue;
    if (id == offer.id)
      found.push_back(&offer);
    else
      known.push_back(offer.id);
  }
  const std::string named = std::string(kind_name(kind)) + " '" + std::string(id) + "'";
  if (found.size() == 1) return *found.front();
  if (found.size() > 1)
    throw Failure(Exit::plugin, place + ": two files offer the " + named + ": " + found[0]->file + " and " +
                                    found[1]->file + "; remove one of them from the search path");

  for (const Rejected& file : rejected_)
    if (is_called_after(file, kind, id))
      throw Failure(Exit::plugin, place + ": the " + named + " cannot be used: " + file.reason);
  std::string text = place + ": there is no " + named + suggestion(id, known) + "; available: " + listed(known);
  if (offers_.empty())
    text += ". No plugins were found in " + listed(folders_) + ": the program looks in " + installed_folder().string() +
            ", so copy it together with that folder, or name one in THREEPC_PLUGIN_PATH";
  for (const Rejected& file : rejected_) text += "\n  a file that could not be used: " + file.reason;
  throw Failure(Exit::usage, text);
}

Library Catalog::load(const std::string& file) const {
  Library library = load_library(file);
  if (!library.warning.empty()) warnings_.push_back(library.warning);
  return library;
}

std::vector<std::string> Catalog::warnings() const {
  const std::lock_guard lock(mutex_);
  return warnings_;
}

const Entry& Catalog::find(tpc_kind kind, std::string_view id, const std::string& place) const {
  const Offer& offer = offer_of(kind, id, place);
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : found_)
    if (entry.descriptor->kind == kind && entry.descriptor->id == offer.id) return entry;
  for (const tpc_descriptor* descriptor : load(offer.file).descriptors)
    if (descriptor->kind == kind && descriptor->id == offer.id)
      return found_.emplace_back(Entry{descriptor, offer.file});
  throw Failure(Exit::plugin, offer.file + ": has changed since this command began; start it again");
}

const std::vector<Entry>& Catalog::entries() const {
  const std::lock_guard lock(mutex_);
  if (!entries_.empty()) return entries_;
  const std::string* previous = nullptr;
  for (const Offer& offer : offers_) {
    if (previous == nullptr || *previous != offer.file)
      for (const tpc_descriptor* descriptor : load(offer.file).descriptors)
        entries_.push_back({descriptor, offer.file});
    previous = &offer.file;
  }
  return entries_;
}

}  // namespace threepc
