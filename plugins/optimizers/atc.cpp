// Diffusion: adapt, then combine.
#include "consensus_step.hpp"

namespace {

/// psi_i = x_i - gamma grad f_i(x_i);  x_i = psi_i + delta, delta of the psi.
template <class T>
class AdaptThenCombine : public ConsensusStep<T> {
 public:
  static constexpr tpc::About about = {
      .id = "atc",
      .version = "1.0.0",
      .summary = "Peers on a graph: each makes its gradient step, then they mix (adapt-then-combine diffusion).",
      .paper =
          "Sayed, Adaptation, Learning, and Optimization over Networks, 2014, eq. (7.19); the consensus step of "
          "Scardapane, Spinelli, Di Lorenzo, Distributed Training of Graph Convolutional Networks, 2020, "
          "arXiv 2007.06281"};
  static constexpr auto order = TPC_ADAPT_THEN_COMBINE;
  using ConsensusStep<T>::ConsensusStep;
};

}  // namespace

THREEPC_PLUGINS(tpc::peer_method<AdaptThenCombine>);
