// How much memory a process holds.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace threepc::test {

/// Resident memory of a process in MB; 0 if it is gone.
inline double resident_megabytes(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/statm");
  double total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace threepc::test
