// g_i as its worker and the server know it: the state that both move by replaying the same operations.
#pragma once

#include <optional>

#include "vector/arithmetic.hpp"
#include "vector/exact_vector.hpp"

namespace threepc {

/// An ExactVector that remembers which part of it is lent until the next program (see tpc_program.lend).
class TrackedVector : public ExactVector {
 public:
  using ExactVector::ExactVector;

  /// Before every program: what the last one lent is taken back, but for the share `keep`.
  void take_back(double keep) {
    if (lent_) subtract(1 - keep, *lent_, *this);
    lent_.reset();
  }
  /// Zero, and nothing on loan.
  void clear() { ExactVector::clear(), lent_.reset(); }

  /// What is on loan; made, as zeros, where nothing was.
  ExactVector& loan() {
    if (!lent_) lent_.emplace(sum().dtype(), sum().dim());
    return *lent_;
  }
  const std::optional<ExactVector>& lent() const { return lent_; }

 private:
  std::optional<ExactVector> lent_;
};

}  // namespace threepc
