#include <array>
#include <span>
#include <threepc/sdk.hpp>

#include "contraction.hpp"

namespace {

/// DCGD: C_{h,y}(x) = C(x), without any memory.
///
/// No A and B unless C keeps everything: the error (1 - alpha) ||x||^2 or omega ||x||^2 does not vanish when h, y and
/// x meet. With an unbiased C the method reaches a neighbourhood of the optimum, with a biased one it may diverge.
template <class T>
class CompressedGradients {
 public:
  static constexpr tpc::About about = {
      .id = "dcgd",
      .version = "1.0.0",
      .summary = "Plain compressed gradients without memory: the baseline that error feedback improves on.",
      .paper =
          "Khirirat, Feyzmahdavian, Johansson, Distributed Learning with Compressed Gradients, 2018, arXiv 1806.06573",
      .theory = "no A and B: stepsize = \"theory\" is refused",
      .capabilities = TPC_RESETS_TOGETHER};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::any, "C, what compresses x; better unbiased")};

  CompressedGradients(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return lossless_constants(children[0].alpha);
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.reset(0, points.x);
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<CompressedGradients>);
