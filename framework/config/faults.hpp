// [faults] and [checkpoint]: what a run does when the machines under it fail.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/section.hpp"

namespace threepc {

/// [[faults.inject]]: a fault that a worker, or the server, causes itself, for tests and drills.
struct Injection {
  enum class Kind { kill, stop, delay, drop, corrupt, duplicate, attack };
  /// What an attacker takes for its gradient g: -size g; size g; g + size times ||g|| / sqrt(d) of normal noise.
  enum class Attack { sign_flip, large, noise };
  enum class When { receive, send };  // before anything is computed, or after the update has left

  static constexpr std::int64_t the_server = -1;

  Kind kind = Kind::kill;
  std::int64_t worker = 0;  // or the_server
  std::uint64_t round = 0;
  When when = When::receive;          // of kill and stop
  double seconds = 1;                 // of stop and delay: how long
  Attack attack = Attack::sign_flip;  // of attack, from `round` on
  double size = 1;
};

struct Faults {
  enum class OnLoss {
    lazy,  // the run goes on; the lost worker's g_i stays in the aggregate as if it skipped
    wait,  // the round waits until the worker is back
    stop   // the run ends
  };
  OnLoss on_worker_loss = OnLoss::lazy;
  std::optional<double> patience;        // seconds to wait for a lost worker; none: [transport] timeout
  std::optional<double> round_deadline;  // seconds after which a round goes on without those that are late
  std::uint32_t restarts = 3;            // how often a worker process of `threepc run` is started again
  std::vector<Injection> inject;
};

/// When a checkpoint is written, beside the one at an interruption.
struct CheckpointRules {
  bool at_end = true;  // of the run, however it ends: of its last whole round
  std::optional<std::uint64_t> every_rounds;
  std::optional<double> every_seconds;
};

/// [[faults.inject]] of [faults]. Throws Failure(Exit::usage) for anything wrong; `workers` bounds whom a fault may
/// name.
std::vector<Injection> read_injections(Section& faults, std::uint32_t workers);

const char* name_of(Injection::Kind kind);
const char* name_of(Injection::When when);
const char* name_of(Injection::Attack attack);

}  // namespace threepc
