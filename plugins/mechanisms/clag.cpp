#include <array>
#include <threepc/sdk.hpp>

#include "contraction.hpp"
#include "trigger.hpp"

namespace {

/// CLAG: C_{h,y}(x) = h + C(x - h) if ||x - h||^2 > zeta ||x - y||^2, else h. zeta = 0 is EF21, C = identity
/// is LAG.
template <class T>
class Clag {
 public:
  static constexpr tpc::About about = {
      .id = "clag",
      .version = "1.0.0",
      .summary = "Compressed lazy aggregation: EF21's message, sent only when LAG's trigger fires.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "A = 1 - sqrt(1 - alpha), B = max{(1 - alpha) / A, zeta}"};
  static constexpr auto params = tpc::params(zeta_param());
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - h")};

  Clag(const TriggerOptions& options, const tpc::Setup&) : zeta_(options.zeta) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return lazy_error_feedback_constants(children[0].alpha, zeta_);
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    if (zeta_ == 0 || triggered(points, zeta_)) program.add(0, points.x, points.h);
  }

 private:
  double zeta_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Clag>);
