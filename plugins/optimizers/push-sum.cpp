// Gradient push: consensus by push-sum, and a gradient step at the estimate.
#include "consensus_step.hpp"

namespace {

/// x_i <- x_i + delta;  x_i <- x_i - gamma grad f_i(x_i / y_i). With a constant step it ends beside the optimum, at a
/// distance that falls with gamma. The paper's text was not at hand: a reconstruction from its abstract, push-sum with
/// a damped exchange of compressed differences.
template <class T>
class PushSum : public ConsensusStep<T> {
 public:
  static constexpr tpc::About about = {
      .id = "push-sum",
      .version = "1.0.0",
      .summary = "Peers on a directed graph: push-sum consensus and a gradient step; a constant step leaves an error.",
      .paper =
          "after Toghani, Uribe, On Arbitrary Compression for Decentralized Consensus and Stochastic Optimization "
          "over Directed Networks, 2022, arXiv 2204.08160"};
  static constexpr auto order = TPC_COMBINE_THEN_ADAPT;
  using ConsensusStep<T>::ConsensusStep;
};

}  // namespace

THREEPC_PLUGINS(tpc::peer_method<PushSum>);
