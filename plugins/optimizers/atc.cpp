// Diffusion: adapt, then combine.
#include <array>
#include <threepc/sdk.hpp>

namespace {

/// psi_i = x_i - gamma grad f_i(x_i);  x_i = psi_i + delta, delta of the psi.
template <class T>
class AdaptThenCombine {
 public:
  static constexpr tpc::About about = {
      .id = "atc",
      .version = "1.0.0",
      .summary = "Peers on a graph: each makes its gradient step, then they mix (adapt-then-combine diffusion).",
      .paper =
          "Sayed, Adaptation, Learning, and Optimization over Networks, 2014, eq. (7.19); the consensus step of "
          "Scardapane, Spinelli, Di Lorenzo, Distributed Training of Graph Convolutional Networks, 2020, "
          "arXiv 2007.06281"};
  static constexpr auto params = tpc::params();
  static constexpr auto order = TPC_ADAPT_THEN_COMBINE;
  static constexpr bool divides = true;
  static constexpr std::array published = {tpc_published{0, TPC_COLUMNS_SUM_TO_ONE}};

  AdaptThenCombine(const tpc::NoOptions&, const tpc::Setup&) {}

  void mix(const tpc::Context&, tpc::Deltas<T> delta, std::span<T> x, tpc::State<T>) {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += delta[0][j];
  }

  void adapt(const tpc::Context& context, std::span<const T> g, tpc::Deltas<T>, std::span<T> x, tpc::State<T>) {
    const T stepsize = static_cast<T>(context.stepsize());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= stepsize * g[j];
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::peer_method<AdaptThenCombine>);
