// How many connections a process may hold, and strangers among them.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <threepc/sdk.hpp>

namespace threepc {

/// Connections that have not joined, beside those of all workers, which may come at once.
inline constexpr std::uint32_t more_strangers = 128;

/// Raises the soft limit of open files to `wanted`, as far as the hard limit allows. Returns the limit.
inline rlim_t allow_open_files(rlim_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return limit.rlim_cur;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// A server's: for every worker, one that comes in its place, and strangers. Returns a warning if that is not to be
/// had.
inline std::string allow_connections(std::uint32_t workers) {
  const rlim_t wanted = rlim_t{2} * workers + more_strangers + 64;
  if (const rlim_t allowed = allow_open_files(wanted); allowed < workers + rlim_t{64})
    return tpc::text("this process may open ", allowed, " files, too few for ", workers,
                     " workers; raise the hard limit (ulimit -Hn)");
  return "";
}

}  // namespace threepc
