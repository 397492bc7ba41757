#include <array>
#include <cmath>
#include <threepc/sdk.hpp>

#include "coin.hpp"

namespace {

/// MARINA: C_{h,y}(x) = x with probability p, else h + Q(x - y); one coin a round, shared by all workers.
/// A = p and B = (1 - p) omega / n bound the aggregate ||g - grad f||^2, for independent Q. For Q that depend on each
/// other omega / n is too small; B = (1 - p) A_omega, of which (1 - p) B_omega goes with the Hessian variance
/// (Szlendak, Tyurin, Richtarik, Permutation Compressors, ICLR 2022, arXiv 2110.03300, Theorem 4).
template <class T>
class Marina {
 public:
  static constexpr tpc::About about = {
      .id = "marina",
      .version = "1.0.0",
      .summary = "Sends compressed gradient differences and, when a shared coin says so, the whole gradient.",
      .paper =
          "Gorbunov et al., MARINA: Faster Non-Convex Distributed Learning with Compression, ICML 2021, arXiv "
          "2102.07845",
      .theory =
          "A = p, B = (1 - p) omega / n of the aggregate; (1 - p) A_omega where the workers of Q depend on each other",
      .capabilities = TPC_RESETS_TOGETHER | TPC_BOUNDS_AGGREGATE};
  static constexpr auto params = tpc::params(p_param());
  static constexpr std::array slots = {
      tpc::compressor_slot("unbiased", tpc::Accepts::unbiased, "Q, what compresses x - y")};

  Marina(const CoinOptions& options, const tpc::Setup& setup) : p_(options.p), workers_(setup.workers()) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    const tpc::Constants& q = children[0];
    const bool independent = std::isnan(q.joint_A);
    return {.A = p_,
            .B = (1 - p_) * (independent ? q.omega / workers_ : q.joint_A),
            .B_spread = independent ? tpc::none : (1 - p_) * q.joint_B};
  }

  void propose(const tpc::Context& context, const tpc::Points<T>& points, tpc::Program<T>& program) {
    if (sends_whole(context, p_))
      program.reset(tpc::dense, points.x);
    else
      program.add(0, points.x, points.y);
  }

 private:
  double p_;
  std::uint32_t workers_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Marina>);
