#include <array>
#include <threepc/sdk.hpp>

namespace {

/// 3PCv2: C_{h,y}(x) = b + C(x - b) with b = h + Q(x - y). A = alpha, B = (1 - alpha) omega.
///
/// h is live: after the first operation it is b.
template <class T>
class ThreePointV2 {
 public:
  static constexpr tpc::About about = {
      .id = "3pcv2",
      .version = "1.0.0",
      .summary = "Follows the gradient's change by an unbiased compressor, then corrects by a contractive one.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998, Section 4.6",
      .theory = "A = alpha, B = (1 - alpha) omega"};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - b"),
      tpc::compressor_slot("unbiased", tpc::Accepts::unbiased, "Q, what compresses x - y")};

  ThreePointV2(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    const double alpha = children[contractive].alpha;
    if (alpha == 0) return {};  // C may send nothing, and Q alone need not approach x
    return {.A = alpha, .B = (1 - alpha) * children[unbiased].omega};
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.add(unbiased, points.x, points.y);
    program.add(contractive, points.x, points.h);
  }

 private:
  static constexpr std::uint32_t contractive = 0;
  static constexpr std::uint32_t unbiased = 1;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<ThreePointV2>);
