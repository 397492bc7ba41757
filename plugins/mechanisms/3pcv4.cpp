#include <array>
#include <span>
#include <threepc/sdk.hpp>

#include "contraction.hpp"

namespace {

/// 3PCv4: C_{h,y}(x) = b + C1(x - b) with b = h + C2(x - h). The two together contract like one compressor with
/// alpha = 1 - (1 - alpha1)(1 - alpha2), whose EF21 this is. A C2 that sends nothing (alpha2 = 0) leaves EF21 with C1.
///
/// h is live: after the first operation it is b.
template <class T>
class ThreePointV4 {
 public:
  static constexpr tpc::About about = {
      .id = "3pcv4",
      .version = "1.0.0",
      .summary = "EF21 with two contractive compressors, the second applied to what the first leaves over.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "EF21's of 1 - (1 - alpha_1)(1 - alpha_2)"};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("inner", tpc::Accepts::contractive, "C2, what compresses x - h"),
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C1, what compresses the rest, x - b")};

  ThreePointV4(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return error_feedback_constants(1 - (1 - children[outer].alpha) * (1 - children[inner].alpha));
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.add(inner, points.x, points.h);
    program.add(outer, points.x, points.h);
  }

 private:
  static constexpr std::uint32_t inner = 0;
  static constexpr std::uint32_t outer = 1;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<ThreePointV4>);
