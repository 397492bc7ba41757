// [[faults.inject]]: the faults that a member causes itself.
#pragma once

#include <cstdint>
#include <vector>

#include "config/faults.hpp"

namespace threepc {

/// The injections of one member. Each happens once in a process, but an attack goes on. One thread at a time.
class Injector {
 public:
  /// `worker`: a rank, or Injection::the_server.
  Injector(const std::vector<Injection>& all, std::int64_t worker);

  /// The member goes on with `round`: what was to happen by then, in that round too, does not. So a worker that was
  /// killed in a round is not killed in it again when it comes back.
  void resume_at(std::uint64_t round);

  /// Kills, stops or delays this process if that is to happen now.
  void act(std::uint64_t round, Injection::When when);
  /// Whether the update of `round` is to be dropped, corrupted or duplicated.
  bool wants(Injection::Kind kind, std::uint64_t round);
  /// How the member attacks in `round`; nullptr: it does not.
  const Injection* attack(std::uint64_t round) const;

 private:
  bool take(std::uint64_t round, Injection::Kind kind, const Injection::When* when, double& seconds);

  std::vector<Injection> pending_;
};

}  // namespace threepc
