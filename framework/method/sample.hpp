// A mean that is known from samples, and when it contradicts a bound.
#pragma once

#include <cmath>
#include <cstdint>

namespace threepc {

/// Mean and standard error, accumulated by Welford's recurrence.
class Sample {
 public:
  void add(double value) {
    ++count_;
    const double delta = value - mean_;
    mean_ += delta / static_cast<double>(count_);
    squares_ += delta * (value - mean_);
  }
  double mean() const { return mean_; }
  std::uint64_t count() const { return count_; }

  /// Seven standard errors: a normal mean strays that far with probability 2.6e-12, so a thousand
  /// comparisons stays below 1e-8 over all its possible seeds; and at 2000 samples it is 0.16 deviations, which
  /// a wrong constant exceeds.
  double allowance() const {
    const auto n = static_cast<double>(count_);
    return count_ < 2 ? 0 : 7 * std::sqrt(squares_ / (n - 1) / n);
  }

  bool exceeds(double bound, double rounding) const { return mean_ > bound + allowance() + rounding; }
  bool differs_from(double value, double rounding) const { return std::abs(mean_ - value) > allowance() + rounding; }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

}  // namespace threepc
