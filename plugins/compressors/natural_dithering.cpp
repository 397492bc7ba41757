#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>

#include "levels.hpp"

namespace {

constexpr int most_levels = 64;

struct NaturalDitheringOptions {
  std::int64_t levels = 8;
  std::string_view norm = "2";
};

/// Natural dithering: |v_j| / ||v||_q is rounded to one of its neighbours among 0, 2^(1-s), ..., 1/2, 1, at random so
/// that the mean is right: Q(v)_j = ||v||_q sign(v_j) xi(|v_j| / ||v||_q).
///
/// Payload: the norm, then d symbols out of 2s + 1 (see symbols.hpp), at most the sign and ceil(log2(s + 1)) bits each.
template <class T>
class NaturalDithering {
 public:
  static constexpr tpc::About about = {
      .id = "natural_dithering",
      .version = "1.0.0",
      .summary = "Rounds each coordinate at random to the norm times one of s powers of two, or zero.",
      .paper = "Horvath et al., Natural Compression for Distributed Deep Learning, MSML 2022, arXiv 1905.10988",
      .theory = "omega as in docs/compressors.md, at most 1/8 + r min{1, r}, r = d^(1/min(q,2)) 2^(1-s)"};
  static constexpr auto params = tpc::params(
      tpc::param<&NaturalDitheringOptions::levels>("levels", "s, the levels 2^(1-s) .. 1 above zero",
                                                   {.unit = "levels", .minimum = 1, .maximum = most_levels}),
      tpc::param<&NaturalDitheringOptions::norm>("norm", "q of the norm that is sent; inf gives the lowest omega",
                                                 {.choices = norm_choices}));

  NaturalDithering(const NaturalDitheringOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()),
        s_(static_cast<std::uint32_t>(options.levels)),
        norm_(norm_named(options.norm)),
        levels_(dim_, s_) {
    for (std::uint32_t level = 1; level <= s_; ++level)
      shares_[level] = std::ldexp(1.0, static_cast<int>(level) - static_cast<int>(s_));
  }

  tpc::Constants constants() const { return {.omega = omega(), .values = dim_ + 1.0}; }
  std::uint64_t max_payload() const { return levels_.bytes(); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) const {
    tpc::Random random = context.random(tpc::Scope::own);
    levels_.encode(v, norm_, out, [&](double share) { return round(share, random); });
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    return levels_.accumulate(in, out, [&](std::uint32_t level) { return shares_[level]; });
  }

 private:
  std::uint32_t round(double share, tpc::Random& random) const {
    if (share < shares_[1]) return random.uniform() < share / shares_[1] ? 1 : 0;
    const auto below = static_cast<std::uint32_t>(std::ilogb(share) + static_cast<int>(s_));
    return below + (random.uniform() < share / shares_[below] - 1 ? 1 : 0);
  }

  /// Let u = 2^(1-s) and r_j = |v_j| / N. A coordinate with r_j >= u errs by at most r_j^2 / 8, one below by
  /// u r_j - r_j^2. For q = 1, 2 let t = u d^(1/q): with w^2 the share of the small ones in ||v||^2, omega is at most
  /// the largest of 1/8 + t w - (9/8) w^2 over w in [0, 1]. For q = inf, one coordinate has r = 1 and d - 1 are
  /// below u at worst. The published 1/8 + t min{1, t} is larger.
  double omega() const {
    if (dim_ <= 1) return 0;
    if (norm_ == Norm::max) return std::max(0.125, (std::sqrt(1 + (dim_ - 1.0) * shares_[1] * shares_[1]) - 1) / 2);
    const double t = shares_[1] * flat_norm(dim_, norm_);
    return t >= 2.25 ? t - 1 : 0.125 + t * t * 2 / 9;
  }

  std::uint32_t dim_;
  std::uint32_t s_;
  Norm norm_;
  Levels<T> levels_;
  std::array<double, most_levels + 1> shares_{};  // of the norm, by level: 0, 2^(1-s) .. 1
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<NaturalDithering>);
