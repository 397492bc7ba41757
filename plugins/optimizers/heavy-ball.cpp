#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

#include "momentum.hpp"

namespace {

/// The heavy ball: x^{t+1} = x^t - gamma g^t + beta (x^t - x^{t-1}), with x^{-1} = x^0 (Polyak 1964, eq. 9).
/// The state is the displacement x^t - x^{t-1}, in units of x, so it stays right when the step size changes.
template <class T>
class HeavyBall {
 public:
  static constexpr tpc::About about = {
      .id = "heavy-ball",
      .version = "1.0.0",
      .summary = "Polyak's momentum: a gradient step plus a share of the last displacement.",
      .paper = "Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
      .capabilities = TPC_REPLAYABLE,
      .state_vectors = 1};
  static constexpr auto params = tpc::params(momentum_param());

  HeavyBall(const MomentumOptions& options, const tpc::Setup&) : momentum_(static_cast<T>(options.momentum)) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const T stepsize = static_cast<T>(context.stepsize());
    const std::span<T> moved = state[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      moved[j] = momentum_ * moved[j] - stepsize * g[j];
      x[j] += moved[j];
    }
  }

 private:
  T momentum_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<HeavyBall>);
