// The three ways to take part in a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "failure.hpp"

namespace threepc {

struct RunOptions {
  std::string config;              // the TOML file; not with `resume`
  std::vector<std::string> set;    // overrides, "mechanism.zeta=32"
  std::string out;                 // replaces [run] out when not empty
  bool force = false;              // overwrite a run
  bool quiet = false;              // no progress and no final table
  std::string resume;              // a run directory: go on from its last checkpoint, with the configuration there
  bool resume_or_start = false;    // go on from the last checkpoint of the run directory, or start where there is none
  bool data_is_elsewhere = false;  // only the workers read them, on hosts of their own
  bool alone = false;              // has nothing to do with the MPI or Slurm job in which it is started
  bool trust = false;              // resume a directory that others could have written
  bool profile = false;            // measures where the time goes: profile.json, and rows of the final table
  std::string trace;               // with `profile`: a file for when each member did what
  int descriptor = -1;             // a worker's: where what hand_over() wrote is open, in place of reading `config`
  std::optional<double> retry;     // a worker that loses its server tries for so many seconds to join again
};

/// The whole run: with an in-process transport the workers are threads, otherwise processes that are started and
/// ended here; where all members have been started already, this process's part of it. Returns Exit::done, diverged or
/// interrupted; throws Failure for the rest.
Exit run(const RunOptions& options);

/// The server alone; workers join from elsewhere. `listen` is HOST:PORT, or "" for what [transport] says.
Exit serve(const RunOptions& options, const std::string& listen);

/// Worker `rank` alone; `connect` is the server's HOST:PORT, or "" for what [transport] says.
Exit work(const RunOptions& options, std::uint32_t rank, const std::string& connect);

}  // namespace threepc
