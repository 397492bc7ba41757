#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>

#include "levels.hpp"

namespace {

/// TernGrad: each coordinate becomes sign(v_j) max_i |v_i| with probability |v_j| / max_i |v_i|, else 0. It is
/// the dithering of the maximum norm with one level, omega = (sqrt(d) - 1) / 2. The paper's clipping of outliers,
/// which is biased, is left out.
///
/// Payload: the maximum, then d ternary symbols, 20 in 32 bits.
template <class T>
class TernGrad {
 public:
  static constexpr tpc::About about = {
      .id = "terngrad",
      .version = "1.0.0",
      .summary = "Rounds each coordinate at random to 0 or the largest magnitude, with its sign: 1.6 bits each.",
      .paper =
          "Wen et al., TernGrad: Ternary Gradients to Reduce Communication in Distributed Deep Learning, "
          "NeurIPS 2017, arXiv 1705.07878",
      .theory = "omega = (sqrt(d) - 1) / 2"};
  static constexpr auto params = tpc::params();

  TernGrad(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()), levels_(dim_, 1) {}

  tpc::Constants constants() const { return {.omega = dithering_omega(dim_, 1, Norm::max), .values = dim_ + 1.0}; }
  std::uint64_t max_payload() const { return levels_.bytes(); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) const {
    tpc::Random random = context.random(tpc::Scope::own);
    levels_.encode(v, Norm::max, out, [&](double share) { return dither(share, 1, random); });
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    return levels_.accumulate(in, out, [](std::uint32_t level) { return double(level); });
  }

 private:
  std::uint32_t dim_;
  Levels<T> levels_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<TernGrad>);
