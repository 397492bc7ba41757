#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <threepc/sdk.hpp>
#include <type_traits>

namespace {

/// Natural compression: each coordinate goes to one of the two neighbouring powers of two, at random so that the
/// mean is right. omega = 1/8.
///
/// In the bits of an IEEE number t = 2^e (1 + m / 2^M) that means: add a random integer below 2^M to the mantissa m,
/// and keep sign and exponent. The carry is the rounding up, with probability m / 2^M = (t - 2^e) / 2^e.
///
/// Zero stays zero. Denormals go to zero or the smallest normal number, their mean right but their error not below
/// omega. The largest binade goes down to its power of two, because the next one is no number: a bias from 2^127
/// (f64: 2^1023) on. Infinity and NaN become infinity.
///
/// Payload: sign and exponent, 9 bits a coordinate (f64: 12).
template <class T>
class Natural {
 public:
  static constexpr tpc::About about = {
      .id = "natural",
      .version = "1.0.0",
      .summary = "Rounds each coordinate at random to a power of two: sign and exponent, 9 bits (f64: 12) each.",
      .paper = "Horvath et al., Natural Compression for Distributed Deep Learning, MSML 2022, arXiv 1905.10988",
      .theory = "omega = 1/8"};
  static constexpr auto params = tpc::params();

  Natural(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}

  tpc::Constants constants() const { return {.omega = 0.125, .values = double(dim_)}; }
  std::uint64_t max_payload() const { return tpc::packed_bytes(dim_, width); }

  void encode(const tpc::Context& context, tpc::Difference<T> v, tpc::Writer& out) const {
    tpc::Random random = context.random(tpc::Scope::own);
    for (std::uint32_t i = 0; i < dim_; ++i) out.put_bits(rounded(v[i], random), width);
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    for (std::uint32_t i = 0; i < dim_; ++i) out.add(i, std::bit_cast<T>(Bits{in.get_bits(width)} << mantissa));
    in.flush_bits();
    return dim_;
  }

 private:
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr unsigned mantissa = std::numeric_limits<T>::digits - 1;  // M
  static constexpr unsigned width = 8 * sizeof(T) - mantissa;               // of sign and exponent
  static constexpr Bits infinity = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());

  static std::uint32_t rounded(T value, tpc::Random& random) {
    const Bits bits = std::bit_cast<Bits>(value);
    const Bits magnitude = bits << 1 >> 1;
    const Bits sign = bits ^ magnitude;
    const Bits up = (magnitude + mantissa_noise(random)) >> mantissa << mantissa;
    const Bits chosen = magnitude < infinity ? std::min(up, infinity - (Bits{1} << mantissa)) : infinity;
    return static_cast<std::uint32_t>((sign | chosen) >> mantissa);
  }

  /// Uniform in 0 .. 2^M - 1.
  static Bits mantissa_noise(tpc::Random& random) {
    if constexpr (sizeof(T) == 4) return random.word() >> (32 - mantissa);
    const std::uint64_t high = random.word();
    return static_cast<Bits>((high << 32 | random.word()) >> (64 - mantissa));
  }

  std::uint32_t dim_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Natural>);
