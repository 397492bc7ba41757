// Narrower floating-point numbers as a compressor.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <threepc/sdk.hpp>

namespace {

/// A binary floating-point format with subnormals. Values are scaled before they are rounded, so that the range of
/// the format and its infinities play no part: only magnitudes up to `largest` are ever formed.
struct Format {
  const char* name;
  unsigned bits;
  int precision;  // significant bits, the hidden one included
  int lowest;     // exponent of the smallest normal number, 2^lowest
  int highest;    // exponent of the largest power of two that is used
};
constexpr std::array<Format, 5> formats = {{{"f32", 32, 24, -126, 126},
                                            {"bf16", 16, 8, -126, 126},
                                            {"f16", 16, 11, -14, 14},
                                            {"f8_e4m3", 8, 4, -6, 7},
                                            {"f8_e5m2", 8, 3, -14, 14}}};
constexpr std::array<const char*, 5> format_names = {"f32", "bf16", "f16", "f8_e4m3", "f8_e5m2"};
constexpr std::array<const char*, 2> roundings = {"nearest", "stochastic"};

/// v * 2^exponent as ldexp rounds it, by a multiplication where 2^exponent is a normal number.
inline double times_power(double v, int exponent) {
  if (exponent < -1022 || exponent > 1023) [[unlikely]]
    return std::ldexp(v, exponent);
  return v * std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

/// Of a normal number above 0.
inline int exponent_of(double v) { return static_cast<int>(std::bit_cast<std::uint64_t>(v) >> 52) - 1023; }

/// 0 <= v < 2^51 to the nearest whole number, ties to even: where the last bit of v + 2^52 is worth 1.
inline double nearest_whole(double v) { return (v + 0x1p52) - 0x1p52; }

struct CastOptions {
  std::string_view to = "bf16";
  std::string_view rounding = "nearest";
};

const Format& format_named(std::string_view name) {
  return *std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.name == name; });
}

/// Casts every value to a narrower format after dividing all by one power of two, 2^shift, that brings the largest
/// magnitude below 2^(highest + 1).
///
/// Error. With u = 2^-precision, rounding to nearest changes a normal value by at most u |v_j| and a subnormal one by
/// at most half the smallest subnormal, s/2; the largest value is at least 2^highest after scaling, so that
/// ||C(v) - v||^2 <= (u^2 + d (s / 2^(highest + 1))^2) ||v||^2: contractive. Stochastic rounding moves v_j to one of
/// its two neighbours, unbiased, with a variance of at most a quarter of their squared distance:
/// omega = u^2 + d (s / 2^(highest + 1))^2 with u = 2^-precision again, as the distance is at most 2u |v_j|.
///
/// Payload: shift (i16), then d codes of 8, 16 or 32 bits: sign, exponent, fraction. NaN and infinity travel as the
/// shift's largest value, and decode to NaN everywhere.
template <class T>
class Cast {
 public:
  static constexpr tpc::About about = {
      .id = "cast",
      .version = "1.0.0",
      .summary = "Sends narrower numbers: f32, bf16, f16 or f8, rounded to nearest or stochastically.",
      .paper = "Micikevicius et al., FP8 Formats for Deep Learning, 2022, arXiv 2209.05433 (the f8 formats)",
      .theory =
          "nearest: alpha = 1 - e, stochastic: omega = e; e = 4^-precision + d (subnormal share)^2, for f8_e4m3 1/256"};
  static constexpr auto params =
      tpc::params(tpc::param<&CastOptions::to>("to", "the narrower format", {.choices = format_names}),
                  tpc::param<&CastOptions::rounding>("rounding", "nearest: contractive; stochastic: unbiased",
                                                     {.choices = roundings}));

  Cast(const CastOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()), format_(format_named(options.to)), stochastic_(options.rounding == "stochastic") {}

  tpc::Constants constants() const {
    if (dim_ == 0) return {.alpha = 1, .omega = 0, .values = 0};
    const double subnormal = std::ldexp(1.0, smallest() - format_.highest - 1);
    const double error = std::ldexp(1.0, -2 * format_.precision) + dim_ * subnormal * subnormal;
    const double values = dim_;
    return stochastic_ ? tpc::Constants{.omega = error, .values = values}
                       : tpc::Constants{.alpha = 1 - error, .values = values};
  }
  std::uint64_t max_payload() const { return sizeof(std::int16_t) + std::uint64_t{dim_} * (format_.bits / 8); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) {
    const double largest = largest_of(v);
    const bool finite = std::isfinite(largest);
    const int shift = largest == 0 ? 0 : finite ? std::ilogb(largest) - format_.highest : broken;
    tpc::Random random = context.random(tpc::Scope::own);
    out.put(static_cast<std::int16_t>(shift));
    for (const T value : v) out.put_bits(finite ? code_of(double{value}, shift, random) : 0, format_.bits);
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const int shift = in.get<std::int16_t>();
    require_shift(shift);
    for (std::uint32_t i = 0; i < dim_; ++i) {
      const std::uint32_t code = in.get_bits(format_.bits);
      if (shift == broken && code != 0) throw tpc::Corrupt(tpc::text("a code of ", code, " in a vector that broke"));
      out.add(i, static_cast<T>(shift == broken ? tpc::none : value_of(code, shift)));
    }
    return dim_;
  }

 private:
  static constexpr int broken = INT16_MAX;

  /// Only the exponents of a T are written.
  void require_shift(int shift) const {
    using Limits = std::numeric_limits<T>;
    const int least = Limits::min_exponent - Limits::digits - format_.highest;
    const int most = Limits::max_exponent - 1 - format_.highest;
    if (shift != 0 && shift != broken && (shift < least || shift > most))
      throw tpc::Corrupt(tpc::text("a shift of ", shift, " is not in ", least, " .. ", most));
  }

  /// Exponent of the smallest subnormal.
  int smallest() const { return format_.lowest - format_.precision + 1; }

  /// Infinity if there is one, or a NaN: as numbers without a sign, their bits are in the order of their magnitudes.
  static double largest_of(std::span<const T> v) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    Bits largest = 0;
    for (const T value : v) largest = std::max<Bits>(largest, std::bit_cast<Bits>(value) << 1 >> 1);
    const T magnitude = std::bit_cast<T>(largest);
    return std::isfinite(magnitude) ? double{magnitude} : INFINITY;
  }

  /// The magnitude as a whole number of units in the last place, which ilogb tells; a carry into the next exponent
  /// gives the right code, because codes of a format are in the order of their values.
  std::uint32_t code_of(double value, int shift, tpc::Random& random) const {
    const double scaled = times_power(std::abs(value), -shift);
    const int exponent = std::max(exponent_of(scaled), format_.lowest);
    const double units = times_power(scaled, format_.precision - 1 - exponent);
    const double rounded = stochastic_ ? chance(units, random) : nearest_whole(units);
    const auto steps = static_cast<std::uint32_t>(exponent - format_.lowest);
    const std::uint32_t magnitude = (steps << (format_.precision - 1)) + static_cast<std::uint32_t>(rounded);
    return magnitude | static_cast<std::uint32_t>(std::signbit(value)) << (format_.bits - 1);
  }

  static double chance(double units, tpc::Random& random) {
    const auto below = static_cast<double>(static_cast<std::uint32_t>(units));
    return below + (random.uniform() < units - below ? 1 : 0);
  }

  double value_of(std::uint32_t code, int shift) const {
    const std::uint32_t sign = code >> (format_.bits - 1);
    const std::uint32_t magnitude = code & ~(std::uint32_t{1} << (format_.bits - 1));
    const std::uint32_t hidden = std::uint32_t{1} << (format_.precision - 1);
    const std::uint32_t steps = magnitude < 2 * hidden ? 0 : (magnitude >> (format_.precision - 1)) - 1;
    const double units = magnitude - hidden * steps;
    const double absolute = times_power(units, static_cast<int>(steps) + smallest() + shift);
    return sign != 0 ? -absolute : absolute;
  }

  std::uint32_t dim_;
  Format format_;
  bool stochastic_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Cast>);
