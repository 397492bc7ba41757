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

/// sum term(v_j) in four interleaved partial sums, which is fast, in a fixed order.
template <class T, class Term>
double sum_of(std::span<const T> v, Term term) {
  double partial[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= v.size(); i += 4)
    for (std::size_t lane = 0; lane < 4; ++lane) partial[lane] += term(double{v[i + lane]});
  for (; i < v.size(); ++i) partial[0] += term(double{v[i]});
  return (partial[0] + partial[2]) + (partial[1] + partial[3]);
}

/// sum |v_j|
template <class T>
double norm_one(std::span<const T> v) {
  return sum_of(v, [](double value) { return std::abs(value); });
}

/// sqrt(sum v_j^2). Squares that leave the range of a double are taken of v / max |v_j|.
template <class T>
double norm_two(std::span<const T> v) {
  const double squares = tpc::norm_sq(v);
  if (squares > 1e-280 && squares <= std::numeric_limits<double>::max()) return std::sqrt(squares);
  const double largest = largest_magnitude(v);
  if (!(largest > 0 && std::isfinite(largest))) return largest;
  return largest * std::sqrt(sum_of(v, [&](double value) { return (value / largest) * (value / largest); }));
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

/// d^(1/q) for q = 1, 2: the norm of d coordinates of size 1.
inline double flat_norm(std::uint32_t dim, Norm which) { return which == Norm::one ? dim : std::sqrt(double(dim)); }
