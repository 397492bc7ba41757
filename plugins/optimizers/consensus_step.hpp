// The two halves of a round of peers who publish x alone: a step towards what was heard, and a gradient step.
#pragma once

#include <array>
#include <threepc/sdk.hpp>

/// x_i <- x_i + delta, and x_i <- x_i - gamma g. Which comes first is the method's.
template <class T>
class ConsensusStep {
 public:
  static constexpr auto params = tpc::params();
  static constexpr bool divides = true;
  static constexpr std::array published = {tpc_published{0, TPC_COLUMNS_SUM_TO_ONE}};

  ConsensusStep(const tpc::NoOptions&, const tpc::Setup&) {}

  void mix(const tpc::Context&, tpc::Deltas<T> delta, std::span<T> x, tpc::State<T>) {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += delta[0][j];
  }

  void adapt(const tpc::Context& context, std::span<const T> g, tpc::Deltas<T>, std::span<T> x, tpc::State<T>) {
    const T stepsize = static_cast<T>(context.stepsize());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= stepsize * g[j];
  }
};
