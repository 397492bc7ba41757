// What a problem measures beside f (threepc/draft/metrics.h), on its way to a round's line.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "plugin/problem.hpp"
#include "record/metrics.hpp"
#include "vector/bytes.hpp"

namespace threepc {

/// A worker's shares: for each metric a sum and a weight, doubles.
void append_metrics(Bytes& out, const Problem& problem);

/// The means over the workers.
class ProblemMetrics {
 public:
  /// Throws Failure(Exit::plugin).
  explicit ProblemMetrics(const PluginSpec& problem) : names_(metric_names(problem)), all_(names_.size()) {}

  /// Of a worker's shares.
  std::size_t bytes() const { return names_.size() * 2 * sizeof(double); }
  void begin_round() { all_.assign(names_.size(), {}); }
  void add(std::span<const std::uint8_t> shares);
  /// NaN, where nobody has anything to say, or, if that is not `complete`, somebody has said nothing.
  void report(bool complete, Metrics& line) const;

 private:
  std::vector<std::string> names_;
  std::vector<tpc::Share> all_;
};

}  // namespace threepc
