// Gradient push: consensus by push-sum, and a gradient step at the estimate.
#include <array>
#include <threepc/sdk.hpp>

namespace {

/// x_i <- x_i + delta;  x_i <- x_i - gamma grad f_i(x_i / y_i). With a constant step it ends beside the optimum, at a
/// distance that falls with gamma. The paper's text was not at hand: a reconstruction from its abstract, push-sum with
/// a damped exchange of compressed differences.
template <class T>
class PushSum {
 public:
  static constexpr tpc::About about = {
      .id = "push-sum",
      .version = "1.0.0",
      .summary = "Peers on a directed graph: push-sum consensus and a gradient step; a constant step leaves an error.",
      .paper =
          "after Toghani, Uribe, On Arbitrary Compression for Decentralized Consensus and Stochastic Optimization "
          "over Directed Networks, 2022, arXiv 2204.08160"};
  static constexpr auto params = tpc::params();
  static constexpr auto order = TPC_COMBINE_THEN_ADAPT;
  static constexpr bool divides = true;
  static constexpr std::array published = {tpc_published{0, TPC_COLUMNS_SUM_TO_ONE}};

  PushSum(const tpc::NoOptions&, const tpc::Setup&) {}

  void mix(const tpc::Context&, tpc::Deltas<T> delta, std::span<T> x, tpc::State<T>) {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += delta[0][j];
  }

  void adapt(const tpc::Context& context, std::span<const T> g, tpc::Deltas<T>, std::span<T> x, tpc::State<T>) {
    const T stepsize = static_cast<T>(context.stepsize());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= stepsize * g[j];
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::peer_method<PushSum>);
