#include <threepc/sdk.hpp>

#include "trigger.hpp"

namespace {

/// LAG: C_{h,y}(x) = x if ||x - h||^2 > zeta ||x - y||^2, else h. A = 1, B = zeta.
template <class T>
class Lag {
 public:
  static constexpr tpc::About about = {
      .id = "lag",
      .version = "1.0.0",
      .summary = "Lazy aggregation: sends the whole gradient, but only when it has moved enough.",
      .paper =
          "Chen et al., LAG: Lazily Aggregated Gradient, NeurIPS 2018, arXiv 1805.09965; rule of 3PC, arXiv "
          "2202.00998",
      .theory = "A = 1, B = zeta"};
  static constexpr auto params = tpc::params(zeta_param());

  Lag(const TriggerOptions& options, const tpc::Setup&) : zeta_(options.zeta) {}

  tpc::Constants constants(std::span<const tpc::Constants>) const { return {.A = 1, .B = zeta_}; }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    if (triggered(points, zeta_)) program.add(tpc::dense, points.x, points.h);
  }

 private:
  double zeta_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Lag>);
