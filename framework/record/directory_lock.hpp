// One run at a time in a run directory.
#pragma once

#include <string>

#include "record/descriptor.hpp"

namespace threepc {

/// Holds a folder for this process alone, until it is destroyed or the process ends, however it ends: flock on the
/// folder itself, which the kernel releases and which leaves no file behind. Processes that are started inherit
/// nothing.
class DirectoryLock {
 public:
  /// Throws Failure: Exit::usage if another process holds the folder, naming it; Exit::unexpected if there is no such
  /// folder.
  explicit DirectoryLock(const std::string& folder);

  /// Why the folder could not be locked, as over some network file systems; "" if it is. The caller warns: then nothing
  /// keeps two runs apart.
  const std::string& doubt() const { return doubt_; }

 private:
  Descriptor folder_;
  std::string doubt_;
};

}  // namespace threepc
