// The workers' measurements of a round beside what the plugins declare ([run] measure = true).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "members/channel.hpp"
#include "method/measurement.hpp"
#include "method/mechanism_tree.hpp"
#include "method/sample.hpp"
#include "record/metrics.hpp"

namespace threepc {

/// Collects what the workers measured and judges it. A constant counts as violated when the mean excess over all
/// workers and rounds is beyond what chance explains (Sample::allowance); a single unlucky draw of a random
/// compressor is not, because its constant bounds an expectation.
class Measurements {
 public:
  explicit Measurements(const MechanismTree& tree);

  /// How many doubles a worker sends after its gradient.
  static std::size_t doubles(const MechanismTree& tree) { return 4 + 2 * tree.codecs().size(); }
  /// A worker's doubles: gap = ||g_i - grad f_i||^2, then `measurement` field by field, NaN in round 0.
  static void append_to(Bytes& out, double gap, const MechanismTree& tree, const Measurement* measurement);

  void begin_round();
  void add(std::span<const std::uint8_t> worker_doubles);
  /// Ends a round. `aggregate_gap` is ||g - grad f||^2. Returns the named values of the round.
  std::vector<NamedValue> finish_round(std::uint64_t round, double aggregate_gap);

  /// Sentences about constants that were found violated since the last call, each plugin once.
  std::vector<std::string> take_warnings();

 private:
  struct Watched {
    std::string label;  // what the values of metrics.jsonl are called
    std::string who;    // "compressor 'topk' (mechanism.compressor)"
    const char* claim;  // "||C(v) - v||^2 / ||v||^2 <= 1 - alpha"
    double bound;
    Sample excess;
    bool reported = false;
    double error = 0, size = 0;  // sums of this round
  };

  void judge(Watched& watched, double value, double bound);
  Watched& mechanism() { return watched_.back(); }

  tpc::Constants constants_;
  bool bounds_aggregate_;
  double tolerance_;
  std::vector<Watched> watched_;  // the compressors in their order, then the mechanism
  std::vector<std::string> warnings_;
  std::uint32_t workers_ = 0;  // that reported in this round
  std::uint32_t moved_ = 0;    // and took part in it
  double gap_ = 0, left_ = 0, behind_ = 0, movement_ = 0;
  double last_aggregate_gap_ = 0;
  std::uint64_t last_round_ = UINT64_MAX;
};

}  // namespace threepc
