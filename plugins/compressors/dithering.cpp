#include <cstdint>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>

#include "levels.hpp"

namespace {

struct DitheringOptions {
  std::int64_t levels = 1;
  std::string_view norm = "2";
};

/// Random dithering: |v_j| / ||v||_q is rounded to one of its neighbours among 0, 1/s, ..., 1, at random so that
/// the mean is right. With q = 2 this is QSGD, equation (2) of the paper.
///
/// Payload: the norm, then d symbols out of 2s + 1 (see symbols.hpp): between log2(2s + 1) bits each and few more.
template <class T>
class Dithering {
 public:
  static constexpr tpc::About about = {
      .id = "dithering",
      .version = "1.0.0",
      .summary = "Rounds each coordinate at random to one of s levels of the norm; QSGD for norm = \"2\".",
      .paper =
          "Alistarh et al., QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding, NeurIPS "
          "2017, arXiv 1610.02132",
      .theory = "omega at most min{d/s^2, sqrt(d)/s} for norm 2; docs/compressors.md has the sharper one used"};
  static constexpr auto params = tpc::params(
      tpc::param<&DitheringOptions::levels>("levels", "s, the levels above zero; more cost bits and lower omega",
                                            {.unit = "levels", .minimum = 1, .maximum = 1 << 24}),
      tpc::param<&DitheringOptions::norm>("norm", "q of the norm that is sent; inf gives the lowest omega",
                                          {.choices = norm_choices}));

  Dithering(const DitheringOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()),
        s_(static_cast<std::uint32_t>(options.levels)),
        norm_(norm_named(options.norm)),
        levels_(dim_, s_) {}

  tpc::Constants constants() const { return {.omega = dithering_omega(dim_, s_, norm_), .values = dim_ + 1.0}; }
  std::uint64_t max_payload() const { return levels_.bytes(); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) const {
    tpc::Random random = context.random(tpc::Scope::own);
    levels_.encode(v, norm_, out, [&](double share) { return dither(share, s_, random); });
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    return levels_.accumulate(in, out, [&](std::uint32_t level) { return double(level) / s_; });
  }

 private:
  std::uint32_t dim_;
  std::uint32_t s_;
  Norm norm_;
  Levels<T> levels_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Dithering>);
