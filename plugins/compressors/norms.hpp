// Norms of a vector, in double, that neither overflow nor vanish on the way to a result that is representable.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>

/// max |v_j|; NaN if any coordinate is NaN.
template <class T>
double largest_magnitude(std::span<const T> v) {
  T largest = 0;
  for (const T value : v) {
    const T magnitude = std::abs(value);
    if (magnitude > largest || std::isnan(magnitude)) largest = magnitude;
  }
  return double{largest};
}

/// sum |v_j|
template <class T>
double norm_one(std::span<const T> v) {
  return tpc::detail::lane_sum(v.size(), [&](std::size_t i) { return std::abs(double{v[i]}); });
}

/// sqrt(sum v_j^2). Squares that leave the range of a double are taken of v / max |v_j|.
template <class T>
double norm_two(std::span<const T> v) {
  const double squares = tpc::norm_sq(v);
  if (squares > 1e-280 && squares <= std::numeric_limits<double>::max()) return std::sqrt(squares);
  const double largest = largest_magnitude(v);
  if (!(largest > 0 && std::isfinite(largest))) return largest;
  return largest * std::sqrt(tpc::detail::lane_sum(v.size(), [&](std::size_t i) {
           const double share = double{v[i]} / largest;
           return share * share;
         }));
}

/// The norm that a dithering scales by.
enum class Norm { one, two, max };
inline constexpr const char* norm_choices[] = {"1", "2", "inf"};

inline Norm norm_named(std::string_view name) { return name == "1" ? Norm::one : name == "2" ? Norm::two : Norm::max; }

template <class T>
double norm_of(std::span<const T> v, Norm which) {
  if (which == Norm::max) return largest_magnitude(v);
  return which == Norm::one ? norm_one(v) : norm_two(v);
}

/// The factor in ||v||_1 <= d ||v||_inf, ||v||_q <= d^(1/q) ||v||_inf: d^(1/q), q = 1 or 2.
inline double flat_norm(std::uint32_t dim, Norm which) { return which == Norm::one ? dim : std::sqrt(double(dim)); }
