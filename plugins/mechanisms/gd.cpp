#include <threepc/sdk.hpp>

namespace {

/// Distributed gradient descent: C_{h,y}(x) = x, sent whole in every round. A = 1, B = 0.
template <class T>
class GradientDescent {
 public:
  static constexpr tpc::About about = {.id = "gd",
                                       .version = "1.0.0",
                                       .summary = "Sends the whole gradient in every round: the uncompressed baseline.",
                                       .theory = "A = 1, B = 0",
                                       .capabilities = TPC_RESETS_TOGETHER};
  static constexpr auto params = tpc::params();

  GradientDescent(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants>) const { return {.A = 1, .B = 0}; }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.reset(tpc::dense, points.x);
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<GradientDescent>);
