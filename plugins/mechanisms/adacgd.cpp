#include <array>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "contraction.hpp"
#include "trial.hpp"
#include "trigger.hpp"

namespace {

/// AdaCGD: CLAG with several levels of compression C_1 ... C_m, from the cheapest to the finest. h stays if
/// ||x - h||^2 <= zeta ||x - y||^2; otherwise it becomes h + C_j(x - h) with the first j that leaves an error of at
/// most zeta ||x - y||^2, and with j = m if none does.
///
/// A skip and every accepted level leave at most zeta ||x - y||^2. C_m is used untried, so whether it is used does not
/// depend on its own random numbers, and it leaves EF21's (1 - A_m)||h - y||^2 + B_m ||x - y||^2 on average. Hence
/// A = 1 - sqrt(1 - alpha_m) and B = max{(1 - alpha_m)/A, zeta}, whatever the cheaper levels are.
template <class T>
class AdaptiveLevels {
 public:
  static constexpr tpc::About about = {
      .id = "adacgd",
      .version = "1.0.0",
      .summary = "Adaptive compression: each worker skips, or sends the cheapest level that is good enough.",
      .paper =
          "Makarenko, Gasanov, Islamov, Sadiev, Richtarik, Adaptive Compression for Communication-Efficient "
          "Distributed "
          "Training, 2022, arXiv 2211.00188",
      .theory = "A and B of clag with the finest level"};
  static constexpr auto params = tpc::params(zeta_param());
  static constexpr std::array slots = {tpc::repeated(tpc::compressor_slot(
      "level", tpc::Accepts::contractive, "C_1, C_2 ..., what compresses x - h, the cheapest first"))};

  AdaptiveLevels(const TriggerOptions& options, const tpc::Setup& setup)
      : zeta_(options.zeta), finest_(setup.children() - 1), scratch_(setup.dim()) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return lazy_error_feedback_constants(children[finest_].alpha, zeta_);
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    if (triggered(points, zeta_)) program.add(good_enough(points, program), points.x, points.h);
  }

 private:
  std::uint32_t good_enough(const tpc::Points<T>& points, tpc::Program<T>& program) {
    const double allowed = zeta_ * tpc::distance_sq(points.x, points.y);
    std::uint32_t level = 0;
    while (level < finest_ && error_of<T>(level, points.h, points.x, program, scratch_) > allowed) ++level;
    return level;
  }

  double zeta_;
  std::uint32_t finest_;
  std::vector<T> scratch_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<AdaptiveLevels>);
