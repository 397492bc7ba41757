#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>

#include "below_one.hpp"
#include "weight_decay.hpp"

namespace {

struct AdamWOptions : WeightDecayOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// base^exponent by squaring: products alone, whose bits do not depend on the C library as those of std::pow do.
double power(double base, std::uint64_t exponent) {
  double out = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) out *= base;
  return out;
}

/// AdamW: m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2 by coordinate, and
/// x <- x - gamma (mhat / (sqrt(vhat) + epsilon) + lambda x), where mhat = m / (1 - beta1^t) and vhat = v / (1 -
/// beta2^t) (Loshchilov and Hutter 2019, Algorithm 2, its alpha 1 and its eta_t gamma). Unlike the gradient of lambda/2
/// ||x||^2 in g, the decay is the same for all coordinates.
template <class T>
class AdamW {
 public:
  static constexpr tpc::About about = {
      .id = "adamw",
      .version = "1.0.0",
      .summary = "Adam whose weight decay does not pass through the running means.",
      .paper = "Loshchilov, Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101",
      .capabilities = TPC_REPLAYABLE,
      .state_vectors = 2};
  static constexpr auto params = tpc::params(
      tpc::param<&AdamWOptions::beta1>("beta1", "decay of the mean of g; its memory is 1/(1-beta1) rounds",
                                       {.minimum = 0, .maximum = below_one}),
      tpc::param<&AdamWOptions::beta2>("beta2", "decay of the mean of g^2; its memory is 1/(1-beta2) rounds",
                                       {.minimum = 0, .maximum = below_one}),
      tpc::param<&AdamWOptions::epsilon>("epsilon", "keeps the divisor from 0; raise it for smoother, more even steps",
                                         {.unit = "of g", .minimum = 0, .above_minimum = true}),
      weight_decay_param<AdamWOptions>());

  AdamW(const AdamWOptions& options, const tpc::Setup&) : options_(options) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const double gamma = context.stepsize();
    const double of_mean = 1 / (1 - power(options_.beta1, context.round() + 1));
    const double of_square = 1 / (1 - power(options_.beta2, context.round() + 1));
    const std::span<T> mean = state[0], square = state[1];
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double m = options_.beta1 * mean[j] + (1 - options_.beta1) * g[j];
      const double v = options_.beta2 * square[j] + (1 - options_.beta2) * g[j] * g[j];
      mean[j] = static_cast<T>(m);
      square[j] = static_cast<T>(v);
      const double direction = of_mean * m / (std::sqrt(of_square * v) + options_.epsilon);
      x[j] = static_cast<T>(x[j] - gamma * (direction + options_.weight_decay * x[j]));
    }
  }

 private:
  AdamWOptions options_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<AdamW>);
