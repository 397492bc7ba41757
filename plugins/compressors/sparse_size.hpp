// How a sparsifier is told its K: as a count or as a fraction of d.
#pragma once

#include <cmath>
#include <cstdint>
#include <threepc/sdk.hpp>

/// The two parameters, for an options struct with std::optional members `k` and `fraction`.
template <class Options>
constexpr auto k_param() {
  return tpc::param<&Options::k>("k", "coordinates kept, at most d", {.unit = "coordinates", .minimum = 1});
}
template <class Options>
constexpr auto fraction_param() {
  return tpc::param<&Options::fraction>("fraction", "K as a share of d, rounded up; instead of k",
                                        {.unit = "of d", .minimum = 0, .maximum = 1, .above_minimum = true});
}

/// K in [1, d] (0 for d = 0). Throws tpc::BadParameter unless exactly one of the two is given and k <= d.
template <class Options>
std::uint32_t resolve_size(const Options& options, std::uint32_t dim) {
  if (options.k.has_value() == options.fraction.has_value())
    throw tpc::BadParameter(options.k ? "fraction" : "k", "give either k or fraction, and not both");
  if (!options.k) return static_cast<std::uint32_t>(std::ceil(*options.fraction * dim));
  if (dim > 0 && *options.k > dim)
    throw tpc::BadParameter("k", tpc::text("k = ", *options.k, " exceeds the dimension d = ", dim,
                                           "; choose k between 1 and ", dim, ", or a fraction"));
  return dim == 0 ? 0 : static_cast<std::uint32_t>(*options.k);
}
