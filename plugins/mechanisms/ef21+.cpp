#include <array>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "contraction.hpp"
#include "trial.hpp"

namespace {

/// EF21+: C_{h,y}(x) = h + C(x - h) or C(x), whichever is closer to x; each worker chooses for itself, h + C(x - h)
/// if both are equally close.
///
/// Never farther from x than EF21, so EF21's A and B hold, for random compressors too: what is compared is what this
/// round's random numbers make of both. They are attained, because at h = 0 both choices are one.
template <class T>
class Ef21Plus {
 public:
  static constexpr tpc::About about = {
      .id = "ef21+",
      .version = "1.0.0",
      .summary = "EF21, or the compressed gradient itself where that is closer; the server keeps every worker's g_i.",
      .paper =
          "Richtarik, Sokolov, Fatkhullin, EF21: A New, Simpler, Theoretically Better, and Practically Faster "
          "Error Feedback, NeurIPS 2021, arXiv 2106.05203",
      .theory = "A = 1 - sqrt(1 - alpha), B = (1 - alpha) / A",
      .capabilities = TPC_RESETS_ALONE};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - h or x")};

  Ef21Plus(const tpc::NoOptions&, const tpc::Setup& setup) : zero_(setup.dim()), scratch_(setup.dim()) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return error_feedback_constants(children[0].alpha);
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    const double of_x = error_of<T>(0, zero_, points.x, program, scratch_);
    if (of_x < error_of<T>(0, points.h, points.x, program, scratch_))
      program.reset(0, points.x);
    else
      program.add(0, points.x, points.h);
  }

 private:
  std::vector<T> zero_;
  std::vector<T> scratch_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Ef21Plus>);
