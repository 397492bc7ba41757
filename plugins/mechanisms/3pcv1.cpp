#include <array>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

namespace {

/// 3PCv1: C_{h,y}(x) = y + C(x - y). A = 1, B = 1 - alpha.
///
/// The server does not know y, so the vector crosses whole: d values, although the papers' curves count those of C
/// only. It is written x - ((x - y) - C(x - y)), which is x itself where C keeps a coordinate, bit for bit.
template <class T>
class ThreePointV1 {
 public:
  static constexpr tpc::About about = {
      .id = "3pcv1",
      .version = "1.0.0",
      .summary = "Compresses the gradient's change against the true last gradient; an ideal, since d values are sent.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "A = 1, B = 1 - alpha",
      .capabilities = TPC_RESETS_TOGETHER};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C, what compresses x - y")};

  ThreePointV1(const tpc::NoOptions&, const tpc::Setup& setup) : vector_(setup.dim()) {}

  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    return {.A = 1, .B = 1 - children[0].alpha};
  }

  void propose(const tpc::Context&, const tpc::Points<T>& points, tpc::Program<T>& program) {
    program.preview(0, points.x, points.y, vector_);
    for (std::size_t j = 0; j < vector_.size(); ++j)
      vector_[j] = points.x[j] - ((points.x[j] - points.y[j]) - vector_[j]);
    program.reset(tpc::dense, vector_);
  }

 private:
  std::vector<T> vector_;  // C(x - y), then y + C(x - y)
};

}  // namespace

THREEPC_PLUGINS(tpc::mechanism<ThreePointV1>);
