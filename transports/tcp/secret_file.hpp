// Files that nobody but their owner may read.
#pragma once

#include <sys/stat.h>

#include <string>
#include <threepc/sdk.hpp>

namespace threepc::tcp {

/// Refuses a file that others can read, as ssh does: its content is no secret.
inline void require_private(const char* key, const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
    throw tpc::BadParameter(key, file + " can be read by others; run: chmod 600 " + file);
}

}  // namespace threepc::tcp
