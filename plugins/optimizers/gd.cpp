// Gradient descent on the aggregate: x^{t+1} = x^t - gamma g^t.
#include <threepc/sdk.hpp>

namespace {

template <class T>
class GradientDescent {
 public:
  static constexpr tpc::About about = {.id = "gd",
                                       .version = "1.0.0",
                                       .summary = "Gradient descent: x moves by -stepsize times the aggregate g.",
                                       .capabilities = TPC_GRADIENT_STEP | TPC_REPLAYABLE};
  static constexpr auto params = tpc::params();

  GradientDescent(const tpc::NoOptions&, const tpc::Setup&) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T>) {
    const T stepsize = static_cast<T>(context.stepsize());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= stepsize * g[j];
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<GradientDescent>);
