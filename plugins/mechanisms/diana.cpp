#include <array>
#include <optional>
#include <span>
#include <threepc/sdk.hpp>

namespace {

struct DianaOptions {
  std::optional<double> keep;
};

/// DIANA: g_i = s + Q(x - s), where the shift s learns slowly: s <- s + keep Q(x - s). With keep = 1/(1 + omega) the
/// shift contracts towards x on average.
///
/// h is g_i during a round and s between rounds: the message is lent, and only the share `keep` of it stays.
///
/// No A and B: the error of g_i is omega ||x - s||^2, about which the last g_i's distance from y says nothing. The
/// paper's theory gives a step size by other means.
template <class T>
class Diana {
 public:
  static constexpr tpc::About about = {
      .id = "diana",
      .version = "1.0.0",
      .summary = "Compresses the gradient's distance from a slowly learned shift; g stays unbiased.",
      .paper =
          "Mishchenko, Gorbunov, Takac, Richtarik, Distributed Learning with Compressed Gradient Differences, 2019, "
          "arXiv 1901.09269",
      .theory = "no A and B: stepsize = \"theory\" is refused"};
  static constexpr auto params = tpc::params(tpc::param<&DianaOptions::keep>(
      "keep", "share of every message that the shift learns (the papers' alpha); 1/(1+omega) if left out",
      {.minimum = 0, .maximum = 1}));
  static constexpr std::array slots = {
      tpc::compressor_slot("unbiased", tpc::Accepts::unbiased, "Q, what compresses x - s")};

  Diana(const DianaOptions& options, const tpc::Setup&) : keep_(options.keep) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return {.keep = keep_.value_or(1 / (1 + children[0].omega))};
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.lend(0, points.x, points.h);
  }

 private:
  std::optional<double> keep_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Diana>);
