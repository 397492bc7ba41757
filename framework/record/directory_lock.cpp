#include "record/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "failure.hpp"

namespace threepc {
namespace {

struct stat status_of(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return status;
}

/// "process 1234", as /proc/locks tells: "1: FLOCK  ADVISORY  WRITE 1234 fe:01:5678 0 EOF", where 5678 is the inode.
/// It says nothing of processes on other hosts or outside this container.
std::string holder_of(int folder) {
  const std::string inode = ":" + std::to_string(status_of(folder).st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advice, access, place;
    long process = 0;
    words >> number >> kind >> advice >> access >> process >> place;
    if (kind == "FLOCK" && place.ends_with(inode) && process > 0) return "process " + std::to_string(process);
  }
  return "another process";
}

std::string this_host() {
  char host[256] = "";
  return gethostname(host, sizeof host - 1) == 0 ? host : "this host";
}

}  // namespace

DirectoryLock::DirectoryLock(const std::string& folder)
    : folder_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!folder_) throw Failure(Exit::unexpected, folder + ": cannot be opened: " + std::strerror(errno));
  if (flock(folder_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK)
    throw Failure(Exit::usage, folder + ": is in use by " + holder_of(folder_.get()) + " on " + this_host() +
                                   "; wait for it to end, end it, or choose another folder with --out");
  doubt_ = folder + ": cannot be locked: " + std::strerror(errno) +
           "; make sure that no other run writes into this folder at the same time";
}

}  // namespace threepc
