#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

#include "below_one.hpp"
#include "weight_decay.hpp"

namespace {

struct LionOptions : WeightDecayOptions {
  double beta1 = 0.9;
  double beta2 = 0.99;
};

/// Of 0 it is 0, and NaN stays NaN.
double sign(double c) { return c > 0 ? 1 : c < 0 ? -1 : c; }

/// Lion: x <- x - gamma (sign(beta1 m + (1 - beta1) g) + lambda x), then m <- beta2 m + (1 - beta2) g (Chen et al.
/// 2023, Algorithm 2). Every coordinate moves by gamma, so gamma is 3 to 10 times smaller than Adam's, and lambda as
/// much larger.
template <class T>
class Lion {
 public:
  static constexpr tpc::About about = {
      .id = "lion",
      .version = "1.0.0",
      .summary = "Steps of one size in every coordinate, by the sign of a running mean of g.",
      .paper = "Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, arXiv 2302.06675",
      .capabilities = TPC_REPLAYABLE,
      .state_vectors = 1};
  static constexpr auto params =
      tpc::params(tpc::param<&LionOptions::beta1>("beta1", "share of the mean in what gives the sign",
                                                  {.minimum = 0, .maximum = below_one}),
                  tpc::param<&LionOptions::beta2>("beta2", "decay of the mean of g; its memory is 1/(1-beta2) rounds",
                                                  {.minimum = 0, .maximum = below_one}),
                  weight_decay_param<LionOptions>());

  Lion(const LionOptions& options, const tpc::Setup&) : options_(options) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const std::span<T> mean = state[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double direction = sign(options_.beta1 * mean[j] + (1 - options_.beta1) * g[j]);
      x[j] = static_cast<T>(x[j] - context.stepsize() * (direction + options_.weight_decay * x[j]));
      mean[j] = static_cast<T>(options_.beta2 * mean[j] + (1 - options_.beta2) * g[j]);
    }
  }

 private:
  LionOptions options_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<Lion>);
