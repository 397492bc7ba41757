#include <cmath>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

namespace {

struct AdaGradOptions {
  double epsilon = 1e-10;
};

/// AdaGrad with a diagonal matrix: s <- s + g^2 by coordinate, x <- x - gamma g / (sqrt(s) + epsilon) (Duchi et al.
/// 2011, Figure 1). The steps shrink like 1/sqrt(t) by themselves.
template <class T>
class AdaGrad {
 public:
  static constexpr tpc::About about = {
      .id = "adagrad",
      .version = "1.0.0",
      .summary = "A step size for each coordinate, from the sum of all squares of g so far.",
      .paper =
          "Duchi, Hazan, Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization, "
          "JMLR 2011",
      .capabilities = TPC_REPLAYABLE,
      .state_vectors = 1};
  static constexpr auto params = tpc::params(
      tpc::param<&AdaGradOptions::epsilon>("epsilon", "keeps the divisor from 0; raise it for a gentler first step",
                                           {.unit = "of g", .minimum = 0, .above_minimum = true}));

  AdaGrad(const AdaGradOptions& options, const tpc::Setup&) : epsilon_(options.epsilon) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const std::span<T> squares = state[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double sum = squares[j] + double{g[j]} * g[j];
      squares[j] = static_cast<T>(sum);
      x[j] = static_cast<T>(x[j] - context.stepsize() * g[j] / (std::sqrt(sum) + epsilon_));
    }
  }

 private:
  double epsilon_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<AdaGrad>);
