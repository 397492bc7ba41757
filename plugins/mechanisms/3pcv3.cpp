#include <array>
#include <span>
#include <threepc/sdk.hpp>

namespace {

/// 3PCv3: C_{h,y}(x) = b + C(x - b), where b = C'_{h,y}(x) is what any other mechanism makes of h. With the inner
/// mechanism's A' and B': A = 1 - (1 - alpha)(1 - A'), B = (1 - alpha) B'.
///
/// h is live: after the inner program has run it is b.
template <class T>
class ThreePointV3 {
 public:
  static constexpr tpc::About about = {
      .id = "3pcv3",
      .version = "1.0.0",
      .summary = "Corrects what another mechanism leaves over by a contractive compressor.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "A = 1 - (1 - alpha)(1 - A_inner), B = (1 - alpha) B_inner"};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::mechanism_slot("inner", "C', the mechanism that moves h first; may be 3pcv3 again"),
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - b")};

  ThreePointV3(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    const double rest = 1 - children[contractive].alpha;
    if (rest == 0) return {.A = 1, .B = 0};  // also when nothing is known of the inner mechanism
    return {.A = 1 - rest * (1 - children[inner].A), .B = rest * children[inner].B};
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.run(inner);
    program.add(contractive, points.x, points.h);
  }

 private:
  static constexpr std::uint32_t inner = 0;
  static constexpr std::uint32_t contractive = 1;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<ThreePointV3>);
