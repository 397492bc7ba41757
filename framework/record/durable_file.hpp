// Files and folders that hold what a run has worked for.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "record/descriptor.hpp"

namespace threepc {

/// A file that appears whole or not at all: written beside its place, synced, and renamed over it, so that neither a
/// reader nor a power failure sees a part of it. Every call throws std::system_error with the system's reason.
class DurableFile {
 public:
  explicit DurableFile(std::string file);
  /// Without commit() nothing is left, and what was there before stays.
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void add(const void* data, std::size_t size);
  void commit();

 private:
  std::string file_, partial_;
  Descriptor out_;
};

/// `content` as a DurableFile.
void write_durably(const std::string& file, std::string_view content);

/// Models and data are their owner's: a folder that is made is for its owner alone (0700, or less by the umask). One
/// that is there keeps its mode; the folders above it get the usual one. Throws Failure(Exit::unexpected).
void make_private_folder(const std::string& folder);

/// Mode of a new file of `folder`: whoever may read the folder may read its files, and only the owner may write them.
mode_t mode_of_files_in(const std::string& folder);

}  // namespace threepc
