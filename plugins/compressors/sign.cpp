#include <cmath>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>

#include "norms.hpp"

namespace {

/// The sign of each coordinate times their mean magnitude: C(v)_j = (||v||_1 / d) sign(v_j). The error is exactly
/// ||v||^2 - ||v||_1^2 / d, so alpha = ||v||_1^2 / (d ||v||^2) >= 1/d, with equality for a single coordinate; near 2/pi
/// for Gaussian vectors. Zeros get the sign of their bit, at no loss.
///
/// Payload: the mean magnitude, then one bit a coordinate, 1 for minus.
template <class T>
class Sign {
 public:
  static constexpr tpc::About about = {
      .id = "sign",
      .version = "1.0.0",
      .summary = "Sends the sign of each coordinate and their mean magnitude: one bit each.",
      .paper =
          "Karimireddy et al., Error Feedback Fixes SignSGD and other Gradient Compression Schemes, ICML 2019, "
          "arXiv 1901.09847",
      .theory = "alpha >= 1/d"};
  static constexpr auto params = tpc::params();

  Sign(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}

  tpc::Constants constants() const { return {.alpha = dim_ == 0 ? 1.0 : 1.0 / dim_, .values = dim_ + 1.0}; }
  std::uint64_t max_payload() const { return sizeof(T) + tpc::packed_bytes(dim_, 1); }

  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) const {
    out.put(static_cast<T>(mean_magnitude(v)));
    for (const T value : v) out.put_bits(std::signbit(value) ? 1 : 0, 1);
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const T size = in.get<T>();
    if (size < 0) throw tpc::Corrupt(tpc::text("a mean magnitude of ", size, " is negative"));
    for (std::uint32_t i = 0; i < dim_; ++i) out.add(i, in.get_bits(1) == 0 ? size : -size);
    in.flush_bits();
    return std::uint64_t{dim_} + 1;
  }

 private:
  static double mean_magnitude(std::span<const T> v) {
    if (v.empty()) return 0;
    const double count = static_cast<double>(v.size());
    const double sum = norm_one(v);
    return std::isfinite(sum) ? sum / count : sum_of(v, [&](double value) { return std::abs(value) / count; });
  }

  std::uint32_t dim_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Sign>);
