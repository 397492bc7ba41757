// x, and the optimizer that moves it by g.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/instances.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// The server has one; a worker that replays its steps has another, with the same bits. Not thread-safe.
class Iterate {
 public:
  /// All vectors are zeros. Throws Failure.
  Iterate(const PluginSpec& optimizer, const Membership& membership);

  /// x^{round + 1} from x^round and g.
  void step(std::uint64_t round, double stepsize);

  RawVector& x() { return x_; }
  const RawVector& x() const { return x_; }
  RawVector& g() { return g_; }
  const RawVector& g() const { return g_; }
  /// The declared state of the optimizer.
  std::vector<RawVector>& state() { return state_; }
  const std::vector<RawVector>& state() const { return state_; }
  const Optimizer& optimizer() const { return optimizer_; }

 private:
  Optimizer optimizer_;
  RawVector x_, g_;
  std::vector<RawVector> state_;
};

}  // namespace threepc
