#include <array>
#include <cmath>
#include <span>
#include <threepc/sdk.hpp>

#include "coin.hpp"

namespace {

/// 3PCv5: C_{h,y}(x) = x with probability p, else h + C(x - y); one coin a round, shared by all workers. MARINA with
/// a biased compressor: A = 1 - sqrt(1 - p), B = (1 - p)(1 - alpha) / (1 - sqrt(1 - p)).
template <class T>
class ThreePointV5 {
 public:
  static constexpr tpc::About about = {
      .id = "3pcv5",
      .version = "1.0.0",
      .summary = "Biased MARINA: compressed gradient differences and, when a shared coin says so, the whole gradient.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "A = 1 - sqrt(1 - p), B = (1 - p)(1 - alpha) / A",
      .capabilities = TPC_RESETS_TOGETHER};
  static constexpr auto params = tpc::params(p_param());
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - y")};

  ThreePointV5(const CoinOptions& options, const tpc::Setup&) : p_(options.p) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    const double A = 1 - std::sqrt(1 - p_);
    return {.A = A, .B = (1 - p_) * (1 - children[0].alpha) / A};
  }

  void propose(const tpc::Context& context, const tpc::Points<T>& points, tpc::Program<T>& program) {
    if (sends_whole(context, p_))
      program.reset(tpc::dense, points.x);
    else
      program.add(0, points.x, points.y);
  }

 private:
  double p_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<ThreePointV5>);
