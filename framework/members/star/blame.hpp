// Whose fault it is when the numbers of a round are not finite, or immense.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/run_config.hpp"
#include "members/star/evaluation.hpp"
#include "members/star/roster.hpp"
#include "method/aggregate.hpp"
#include "method/iterate.hpp"
#include "method/replica.hpp"

namespace threepc {

/// A method that diverges passes through ever larger numbers; what is not finite at a moderate x was made by somebody:
/// a worker's problem or data, a plugin in it, or a worker that is hostile. If it is everybody, it is the method. In
/// round 0 nobody can have diverged, and one worker alone has nobody to be compared with. One thread.
class Blame {
 public:
  using Accused = std::vector<std::pair<std::uint32_t, Failure>>;

  /// All outlive it.
  Blame(const RunConfig& config, Roster& roster, const Aggregate& aggregate, const Replica& mechanism,
        const Iterate& iterate)
      : config_(&config), roster_(&roster), aggregate_(&aggregate), mechanism_(&mechanism), iterate_(&iterate) {}

  /// Whether g is of the size of numbers that a run has.
  bool is_moderate() const;
  /// Members whose own f_i or gradient is not finite, while that of others is.
  Accused by_evaluation(std::uint64_t round, const Evaluation& evaluation) const;
  /// Whom g is due to, which is not moderate: asks the workers whether a plugin of theirs made it, and looks into their
  /// updates, for one that is hostile does not say so. `finite`: g is.
  Accused by_gradient(std::uint64_t round, bool finite) const;
  /// Throws Failure(Exit::plugin) if the optimizer made of a finite x and g an x that is not finite.
  void judge_optimizer(std::uint64_t round, double stepsize) const;

 private:
  bool is_everybody(std::size_t accused, std::uint64_t round) const;
  bool is_x_moderate() const;
  Accused by_themselves(std::uint64_t round) const;
  Accused by_updates(std::uint64_t round) const;

  const RunConfig* config_;
  Roster* roster_;
  const Aggregate* aggregate_;
  const Replica* mechanism_;
  const Iterate* iterate_;
};

}  // namespace threepc
