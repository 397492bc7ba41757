#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

#include "momentum.hpp"

namespace {

/// Nesterov's accelerated gradient with constant momentum: z^{t+1} = x^t - gamma g^t,
/// x^{t+1} = z^{t+1} + beta (z^{t+1} - z^t), with z^0 = x^0 (Nesterov 2004, scheme 2.2.11). The model that the workers
/// see, and that is reported, is x, the point at which gradients are taken.
///
/// The state is the displacement m = z^t - z^{t-1}, since x^t = z^t + beta m: m <- beta m - gamma g, and then x moves
/// by beta m - gamma g with the new m.
template <class T>
class Nesterov {
 public:
  static constexpr tpc::About about = {
      .id = "nesterov",
      .version = "1.0.0",
      .summary = "Nesterov's momentum: the gradient is taken after the displacement has been repeated.",
      .paper =
          "Nesterov, Introductory Lectures on Convex Optimization, 2004; Sutskever et al., On the importance of "
          "initialization and momentum in deep learning, ICML 2013",
      .capabilities = TPC_REPLAYABLE,
      .state_vectors = 1};
  static constexpr auto params = tpc::params(momentum_param());

  Nesterov(const MomentumOptions& options, const tpc::Setup&) : momentum_(static_cast<T>(options.momentum)) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const T stepsize = static_cast<T>(context.stepsize());
    const std::span<T> moved = state[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      moved[j] = momentum_ * moved[j] - stepsize * g[j];
      x[j] += momentum_ * moved[j] - stepsize * g[j];
    }
  }

 private:
  T momentum_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<Nesterov>);
