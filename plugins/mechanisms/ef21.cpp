#include <array>
#include <threepc/sdk.hpp>

#include "contraction.hpp"

namespace {

/// EF21: C_{h,y}(x) = h + C(x - h).
template <class T>
class Ef21 {
 public:
  static constexpr tpc::About about = {
      .id = "ef21",
      .version = "1.0.0",
      .summary = "Error feedback: compresses the gap between the gradient and what the server knows of it.",
      .paper =
          "Richtarik, Sokolov, Fatkhullin, EF21: A New, Simpler, Theoretically Better, and Practically Faster "
          "Error Feedback, NeurIPS 2021, arXiv 2106.05203",
      .theory = "A = 1 - sqrt(1 - alpha), B = (1 - alpha) / A"};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - h")};

  Ef21(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return error_feedback_constants(children[0].alpha);
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.add(0, points.x, points.h);
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Ef21>);
