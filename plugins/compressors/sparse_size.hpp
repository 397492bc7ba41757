// How a sparsifier is told its K: as a count, as a fraction of d, or by the bits that its payload may have.
#pragma once

#include <cmath>
#include <cstdint>
#include <threepc/sdk.hpp>

/// The three parameters, for an options struct with std::optional members `k`, `fraction` and `bits`.
template <class Options>
constexpr auto k_param() {
  return tpc::param<&Options::k>("k", "coordinates kept, at most d; fraction and bits are the other ways to say it",
                                 {.unit = "coordinates", .minimum = 1});
}
template <class Options>
constexpr auto fraction_param() {
  return tpc::param<&Options::fraction>("fraction", "K as a share of d, rounded up; instead of k",
                                        {.unit = "of d", .minimum = 0, .maximum = 1, .above_minimum = true});
}
template <class Options>
constexpr auto bits_param() {
  return tpc::param<&Options::bits>("bits", "the largest K whose payload has at most so many bits; instead of k",
                                    {.unit = "bits", .minimum = 1});
}

/// Throws tpc::BadParameter unless exactly one of the three is given.
template <class Options>
void require_one_size(const Options& options) {
  const int given = options.k.has_value() + options.fraction.has_value() + options.bits.has_value();
  if (given == 1) return;
  throw tpc::BadParameter(
      options.bits && given > 1       ? "bits"
      : options.fraction && given > 1 ? "fraction"
                                      : "k",
      tpc::text("give one of k, fraction and bits; ", given == 0 ? "none" : "more than one", " is given"));
}

/// k as a count of `dim` coordinates, which are those of `whole` ("the dimension d"). Throws if it is larger.
inline std::uint32_t counted_size(std::int64_t k, std::uint32_t dim, const char* whole) {
  if (dim > 0 && k > dim)
    throw tpc::BadParameter(
        "k", tpc::text("k = ", k, " exceeds ", whole, " = ", dim, "; choose k between 1 and ", dim, ", or a fraction"));
  return dim == 0 ? 0 : static_cast<std::uint32_t>(k);
}

inline std::uint32_t fraction_size(double fraction, std::uint32_t dim) {
  return static_cast<std::uint32_t>(std::ceil(fraction * dim));
}

/// The largest K in [1, dim] with payload_bits(K) <= bits, where payload_bits does not fall (0 for dim = 0). Throws
/// if not even K = 1 fits.
template <class PayloadBits>
std::uint32_t budgeted_size(std::int64_t bits, std::uint32_t dim, PayloadBits payload_bits) {
  if (dim == 0) return 0;
  const auto fits = [&](std::uint32_t k) { return payload_bits(k) <= static_cast<std::uint64_t>(bits); };
  if (!fits(1))
    throw tpc::BadParameter("bits", tpc::text("bits = ", bits, " is too few: the smallest payload has ",
                                              payload_bits(std::uint32_t{1}), " bits; give at least as many"));
  std::uint32_t low = 1, high = dim;
  while (low < high) {
    const std::uint32_t middle = low + (high - low + 1) / 2;
    fits(middle) ? low = middle : high = middle - 1;
  }
  return low;
}

/// K in [1, d] (0 for d = 0) from whichever parameter is given.
template <class Options, class PayloadBits>
std::uint32_t resolve_size(const Options& options, std::uint32_t dim, PayloadBits payload_bits) {
  require_one_size(options);
  if (options.k) return counted_size(*options.k, dim, "the dimension d");
  if (options.fraction) return fraction_size(*options.fraction, dim);
  return budgeted_size(*options.bits, dim, payload_bits);
}
