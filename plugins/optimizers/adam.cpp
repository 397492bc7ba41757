#include <cmath>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

#include "below_one.hpp"

namespace {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// Adam: m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2 by coordinate, and
/// x <- x - gamma mhat / (sqrt(vhat) + epsilon), where mhat = m / (1 - beta1^t) and vhat = v / (1 - beta2^t) undo the
/// bias of having started from zero; t counts steps from 1 (Kingma and Ba 2015, Algorithm 1).
template <class T>
class Adam {
 public:
  static constexpr tpc::About about = {
      .id = "adam",
      .version = "1.0.0",
      .summary = "A step size for each coordinate, from running means of g and of its square.",
      .paper = "Kingma, Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv 1412.6980",
      .state_vectors = 2};
  static constexpr auto params = tpc::params(
      tpc::param<&AdamOptions::beta1>("beta1", "decay of the mean of g; its memory is 1/(1-beta1) rounds",
                                      {.minimum = 0, .maximum = below_one}),
      tpc::param<&AdamOptions::beta2>("beta2", "decay of the mean of g^2; its memory is 1/(1-beta2) rounds",
                                      {.minimum = 0, .maximum = below_one}),
      tpc::param<&AdamOptions::epsilon>("epsilon", "keeps the divisor from 0; raise it for smoother, more even steps",
                                        {.unit = "of g", .minimum = 0, .above_minimum = true}));

  Adam(const AdamOptions& options, const tpc::Setup&) : options_(options) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const double t = static_cast<double>(context.round()) + 1;
    const double of_mean = context.stepsize() / (1 - std::pow(options_.beta1, t));
    const double of_square = 1 / (1 - std::pow(options_.beta2, t));
    const std::span<T> mean = state[0], square = state[1];
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double m = options_.beta1 * mean[j] + (1 - options_.beta1) * g[j];
      const double v = options_.beta2 * square[j] + (1 - options_.beta2) * g[j] * g[j];
      mean[j] = static_cast<T>(m);
      square[j] = static_cast<T>(v);
      x[j] = static_cast<T>(x[j] - of_mean * m / (std::sqrt(of_square * v) + options_.epsilon));
    }
  }

 private:
  AdamOptions options_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<Adam>);
