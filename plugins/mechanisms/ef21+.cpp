#include <array>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "contraction.hpp"

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
      .capabilities = TPC_RESETS_ALONE};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - h or x")};

  Ef21Plus(const tpc::NoOptions&, const tpc::Setup& setup) : zero_(setup.dim()), candidate_(setup.dim()) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return error_feedback_constants(children[0].alpha);
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    if (distance_from(zero_, points.x, program) < distance_from(points.h, points.x, program))
      program.reset(0, points.x);
    else
      program.add(0, points.x, points.h);
  }

 private:
  /// ||b + C(x - b) - x||^2
  double distance_from(std::span<const T> b, std::span<const T> x, tpc::Program<T>& program) {
    program.preview(0, x, b, candidate_);
    for (std::size_t j = 0; j < candidate_.size(); ++j) candidate_[j] += b[j];
    return tpc::distance_sq<T>(candidate_, x);
  }

  std::vector<T> zero_;
  std::vector<T> candidate_;
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<Ef21Plus>);
