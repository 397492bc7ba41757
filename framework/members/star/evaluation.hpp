// What the workers say of f at the model of a round.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "members/star/measurements.hpp"
#include "members/star/problem_metrics.hpp"
#include "members/star/roster.hpp"
#include "method/mechanism_tree.hpp"
#include "record/journal.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// Asks the workers of a round for their f_i and, by [run] evaluate, their gradients or how far their g_i are from
/// those, and makes f and ||grad f||^2 of it. Each worker's part is checked when it comes: one that sends something
/// else is lost. One thread.
class Evaluation {
 public:
  /// All outlive it. `tree` is the mechanism, where [run] measure watches its constants.
  Evaluation(const RunConfig& config, const Membership& membership, const MechanismTree& tree, Roster& roster,
             Journal& journal);

  /// Bytes of one worker's that count.
  std::size_t size(std::uint64_t round) const;

  /// Opens a round; `wanted`: it has an evaluation.
  void begin_round(std::uint64_t round, bool wanted);
  bool is_wanted() const { return wanted_; }
  /// The worker's update, which may stand for its gradient (see update_is_gradient); kept while it may be asked for.
  void keep_update(std::uint32_t worker, std::span<const std::uint8_t> update);
  /// Waits for the workers' parts, or one's.
  void gather(const std::function<bool(std::uint32_t)>& is_reported);
  void gather(std::uint32_t worker);
  /// The transport's memory is theirs until the next message of their worker: from now on they have their own.
  void keep();

  /// f and ||grad f||^2, or an upper bound of it, at the workers that are reported, into the journal's line; NaN where
  /// one has sent nothing. `members`: whose g_i are in g.
  void conclude(const std::function<bool(std::uint32_t)>& is_reported, const RawVector& g, std::uint32_t members);
  /// Whether every worker has sent its part.
  bool is_complete() const { return complete_; }
  /// What is known of this round is nothing.
  void withdraw();
  /// Workers whose own numbers are not finite.
  std::vector<std::uint32_t> infinite() const;
  /// With ||g - grad f||^2, which the server alone knows. Returns sentences about constants that do not hold.
  std::vector<std::string> measure(std::uint64_t round, const RawVector& g);

 private:
  std::size_t gradient_size() const;
  std::size_t measured_size() const;
  std::span<const std::uint8_t> gradient_of(std::uint32_t worker) const;
  bool is_finite(std::uint32_t worker) const;
  void add(std::uint32_t worker, std::span<const std::uint8_t> message);
  void bound_gradient(const RawVector& g, std::uint32_t members);

  const RunConfig* config_;
  tpc_dtype dtype_;
  std::size_t vector_size_;  // bytes
  const MechanismTree* tree_;
  Roster* roster_;
  Journal* journal_;
  std::optional<Measurements> measurements_;
  ProblemMetrics metrics_;
  std::uint64_t round_ = 0;
  bool wanted_ = false;
  bool complete_ = true;
  std::vector<std::optional<std::span<const std::uint8_t>>> parts_;  // of this round
  std::vector<Bytes> updates_;                                       // of round 0, where they are gradients; else empty
  std::vector<Bytes> kept_;                                          // parts that had to outlive the transport's memory
  std::vector<double> gradient_;                                     // of f
  double gaps_ = 0;  // sum_i ||g_i - grad f_i||^2, where that is all that is known of it
};

}  // namespace threepc
