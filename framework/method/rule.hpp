// [aggregation] rule: what the server makes of the workers' g_i in place of their mean.
#pragma once

#include <span>
#include <vector>

#include "plugin/aggregator.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// Walks a rule over the coordinates (threepc/draft/aggregator.h). One thread.
class Rule {
 public:
  /// Throws Failure.
  Rule(const PluginSpec& spec, const Membership& membership);

  /// g of `rows`, n vectors of d finite doubles each, in worker order. False if a coordinate is NaN or infinite. Throws
  /// Failure.
  bool combine(std::span<const double* const> rows, RawVector& g);

  /// A rule that wants another pass after so many goes on for ever.
  static constexpr int most_passes = 100000;

 private:
  void pass(std::span<const double* const> rows, std::uint64_t scalars);
  template <class Visit>
  void for_each_block(std::span<const double* const> rows, Visit visit);

  Aggregator rule_;
  std::vector<double> fused_;
  std::vector<double> sums_, block_;      // scalars
  std::vector<const double*> positions_;  // of the rows, in a block
};

}  // namespace threepc
