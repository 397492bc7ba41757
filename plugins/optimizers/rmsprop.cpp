#include <cmath>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>

#include "below_one.hpp"

namespace {

struct RmsPropOptions {
  double decay = 0.9;
  double epsilon = 1e-8;
};

/// RMSProp: v <- decay v + (1 - decay) g^2 by coordinate, x <- x - gamma g / (sqrt(v) + epsilon) (Tieleman and Hinton
/// 2012, lecture 6e). v starts at 0, and nothing undoes that: the first steps are up to 1/sqrt(1 - decay) gamma.
template <class T>
class RmsProp {
 public:
  static constexpr tpc::About about = {
      .id = "rmsprop",
      .version = "1.0.0",
      .summary = "A step size for each coordinate, from the running mean of the square of g.",
      .paper = "Tieleman, Hinton, Lecture 6.5, Neural Networks for Machine Learning, 2012",
      .capabilities = TPC_REPLAYABLE,
      .state_vectors = 1};
  static constexpr auto params =
      tpc::params(tpc::param<&RmsPropOptions::decay>("decay", "of the mean of g^2; its memory is 1/(1-decay) rounds",
                                                     {.minimum = 0, .maximum = below_one}),
                  tpc::param<&RmsPropOptions::epsilon>(
                      "epsilon", "keeps the divisor from 0; raise it for smoother, more even steps",
                      {.unit = "of g", .minimum = 0, .above_minimum = true}));

  RmsProp(const RmsPropOptions& options, const tpc::Setup&) : options_(options) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const std::span<T> square = state[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double v = options_.decay * square[j] + (1 - options_.decay) * g[j] * g[j];
      square[j] = static_cast<T>(v);
      x[j] = static_cast<T>(x[j] - context.stepsize() * g[j] / (std::sqrt(v) + options_.epsilon));
    }
  }

 private:
  RmsPropOptions options_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<RmsProp>);
