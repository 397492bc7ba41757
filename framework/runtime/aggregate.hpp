// The server's g = (1/n) sum_i g_i, changed only by replaying what the workers sent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wire/exact_vector.hpp"
#include "wire/mechanism_tree.hpp"

namespace threepc {

/// Keeps sum_i g_i in compensated double precision, so that it stays what the workers' h add up to over
/// millions of rounds. Stores no g_i, unless the mechanism says that a worker may reset alone.
class Aggregate {
 public:
  struct Absorbed {
    std::uint64_t values = 0;  // real numbers that the message carried
    bool skipped = false;
  };

  Aggregate(const MechanismTree& tree, const Membership& membership);

  /// Replays the message of `worker` in `round`. Workers come in the order 0 .. n-1, each once a round.
  Absorbed absorb(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program);

  /// g in the run's dtype. False if a coordinate is NaN or infinite.
  bool mean(RawVector& g) const;

 private:
  void reset(std::uint32_t worker);
  void take_back_loans();
  void replay_aside(const Operation& operation, std::uint64_t round, std::uint32_t worker);
  void require_same_resets(std::uint32_t worker, bool resets);

  const MechanismTree* tree_;
  Membership membership_;
  ExactVector sum_;
  std::vector<ExactVector> members_;  // g_i, for TPC_RESETS_ALONE only
  bool first_resets_ = false;         // whether worker 0 reset in this round
  std::optional<ExactVector> lent_;   // the sum of what the last messages lent
};

}  // namespace threepc
