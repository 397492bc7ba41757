// Gradient tracking: s_i follows the mean of all gradients, so that a constant step ends at the optimum.
#pragma once

#include <algorithm>
#include <array>
#include <threepc/sdk.hpp>

/// x_i <- x_i + delta_x - gamma s_i;  s_i <- s_i + delta_s + grad f_i(new) - grad f_i(old), with s_i^0 = grad f_i(x^0).
/// State: s, which is published beside x, and the last gradient.
template <class T>
class Tracking {
 public:
  static constexpr std::uint32_t s = 0, last = 1, state_vectors = 2;
  static constexpr auto params = tpc::params();
  static constexpr auto order = TPC_COMBINE_THEN_ADAPT;

  Tracking(const tpc::NoOptions&, const tpc::Setup&) {}

  void begin(const tpc::Context&, std::span<const T> g, std::span<T>, tpc::State<T> state) {
    std::copy(g.begin(), g.end(), state[s].begin());
    std::copy(g.begin(), g.end(), state[last].begin());
  }

  void mix(const tpc::Context& context, tpc::Deltas<T> delta, std::span<T> x, tpc::State<T> state) {
    const T stepsize = static_cast<T>(context.stepsize());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += delta[0][j] - stepsize * state[s][j];
  }

  void adapt(const tpc::Context&, std::span<const T> g, tpc::Deltas<T> delta, std::span<T>, tpc::State<T> state) {
    const std::span<T> tracked = state[s], before = state[last];
    for (std::size_t j = 0; j < g.size(); ++j) {
      tracked[j] += delta[1][j] + (g[j] - before[j]);
      before[j] = g[j];
    }
  }
};
