// How many connections a process may hold.
#pragma once

#include <sys/resource.h>

#include <algorithm>

namespace threepc::tcp {

/// Raises the soft limit of open files to `wanted`, as far as the hard limit allows. Returns the limit.
inline rlim_t allow_open_files(rlim_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return limit.rlim_cur;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace threepc::tcp
