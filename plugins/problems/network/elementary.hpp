// exp, log, sin, cos, tanh, erf and normal draws from additions, products and quotients alone: the C library's have
// other last bits on processors that fuse multiply-add. To a few units in the last place.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <threepc/sdk/context.hpp>

namespace elementary {

/// exp(x) - 1 for |x| <= 0.35: Taylor's polynomial, whose next term is below 5e-18 of x.
inline double expm1_near_zero(double x) {
  double sum = 1;
  for (int k = 13; k >= 2; --k) sum = 1 + x / k * sum;
  return x * sum;
}

/// exp(x) = 2^k exp(x - k ln 2), with ln 2 in two pieces so that k times the first is exact (Cody and Waite 1980).
inline double exp(double x) {
  constexpr double largest = 709.78, smallest = -708;  // below it 0, which spares subnormal numbers
  if (std::isnan(x)) return x;
  if (x > largest) return std::numeric_limits<double>::infinity();
  if (x < smallest) return 0;
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  const double k = std::nearbyint(x * std::numbers::log2e);
  const double rest = (x - k * ln2_high) - k * ln2_low;
  return std::ldexp(1 + expm1_near_zero(rest), static_cast<int>(k));
}

/// log(x) for positive finite x: of the mantissa m in [sqrt(1/2), sqrt(2)) by 2 artanh((m - 1) / (m + 1)).
inline double log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < std::numbers::sqrt2 / 2) m *= 2, --exponent;
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * s * sum + exponent * std::numbers::ln2;
}

inline double tanh(double z) {
  const double twice = -2 * std::abs(z);
  const double less = twice > -0.35 ? expm1_near_zero(twice) : exp(twice) - 1;
  return std::copysign(less / (2 + less), z);
}

/// 1 / (1 + exp(-z))
inline double sigmoid(double z) {
  const double small = exp(-std::abs(z));
  return (z >= 0 ? 1 : small) / (1 + small);
}

/// An angle as quarter turns and a rest in [-pi/4, pi/4].
struct Angle {
  double rest;
  std::int64_t quarters;

  /// pi/2 in three pieces, the first two of 33 bits. Of an angle beyond a million its exact remainder is taken first.
  static Angle of(double z) {
    constexpr double first = 1.57079632673412561417e+00, second = 6.07710050630396597660e-11,
                     third = 2.02226624879595063154e-21;
    if (std::abs(z) > 1e6) z = std::remainder(z, 2 * std::numbers::pi);
    const double k = std::nearbyint(z * (2 / std::numbers::pi));
    return {((z - k * first) - k * second) - k * third, std::isfinite(k) ? static_cast<std::int64_t>(k) & 3 : 0};
  }

  /// sin(rest) for even terms from 1, cos(rest) for odd ones from 0, by Taylor.
  double series(int first_power) const {
    double sum = 1;
    for (int power = first_power + 18; power > first_power; power -= 2)
      sum = 1 - rest * rest / (power * (power - 1.0)) * sum;
    return first_power == 1 ? rest * sum : sum;
  }

  double sin() const {
    const double size = series(quarters % 2 == 0 ? 1 : 0);
    return quarters < 2 ? size : -size;
  }
};

inline double sin(double z) { return Angle::of(z).sin(); }

inline double cos(double z) {
  Angle angle = Angle::of(z);
  angle.quarters = (angle.quarters + 1) & 3;
  return angle.sin();
}

/// (p[0] x^(n-1) + ... + p[n-1]) / (q[0] x^(n-1) + ... + q[n-1])
template <std::size_t N>
double ratio(const std::array<double, N>& p, const std::array<double, N>& q, double x) {
  double above = 0, below = 0;
  for (std::size_t i = 0; i < N; ++i) above = above * x + p[i], below = below * x + q[i];
  return above / below;
}

/// exp(-y^2), y >= 0: y^2 in an exact piece and a small rest.
inline double gauss(double y) {
  const double coarse = std::trunc(y * 16) / 16;
  return exp(-coarse * coarse) * exp(-(y - coarse) * (y + coarse));
}

/// 1 - erf(y) for y > 0.46875, by the rational functions of Cody (Math. Comp. 23, 1969).
inline double erfc_far(double y) {
  constexpr std::array<double, 9> p = {2.15311535474403846343e-8, 5.64188496988670089180e-1, 8.88314979438837594118e0,
                                       6.61191906371416294775e1,  2.98635138197400131132e2,  8.81952221241769090411e2,
                                       1.71204761263407058314e3,  2.05107837782607146532e3,  1.23033935479799725272e3};
  constexpr std::array<double, 9> q = {1,
                                       1.57449261107098347253e1,
                                       1.17693950891312499305e2,
                                       5.37181101862009857509e2,
                                       1.62138957456669018874e3,
                                       3.29079923573345962678e3,
                                       4.36261909014324715820e3,
                                       3.43936767414372163696e3,
                                       1.23033935480374942043e3};
  constexpr std::array<double, 6> p_far = {1.63153871373020978498e-2, 3.05326634961232344035e-1,
                                           3.60344899949804439429e-1, 1.25781726111229246204e-1,
                                           1.60837851487422766278e-2, 6.58749161529837803157e-4};
  constexpr std::array<double, 6> q_far = {1,
                                           2.56852019228982242072e0,
                                           1.87295284992346047209e0,
                                           5.27905102951428412248e-1,
                                           6.05183413124413191178e-2,
                                           2.33520497626869185443e-3};
  if (y > 28) return 0;  // as double, and of infinity
  if (y <= 4) return gauss(y) * ratio(p, q, y);
  const double inverse = 1 / (y * y);
  return gauss(y) * (std::numbers::inv_sqrtpi - inverse * ratio(p_far, q_far, inverse)) / y;
}

/// erf(x) for |x| <= 0.46875.
inline double erf_near_zero(double x) {
  constexpr std::array<double, 5> p = {1.85777706184603152673e-1, 3.16112374387056560e0, 1.13864154151050156e2,
                                       3.77485237685302021e2, 3.20937758913846947e3};
  constexpr std::array<double, 5> q = {1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
                                       2.84423683343917062e3};
  return x * ratio(p, q, x * x);
}

/// The distribution function of the standard normal law.
inline double normal_cdf(double z) {
  const double x = z / std::numbers::sqrt2, y = std::abs(x);
  if (y <= 0.46875) return 0.5 + 0.5 * erf_near_zero(x);
  const double tail = 0.5 * erfc_far(y);
  return z < 0 ? tail : 1 - tail;
}

/// Its density.
inline double normal_density(double z) { return exp(-0.5 * z * z) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2); }

/// A standard normal number from two uniform ones (Box and Muller 1958).
inline double normal(tpc::Random& random) {
  const double radius = std::sqrt(-2 * log(1 - random.uniform()));
  return radius * cos(2 * std::numbers::pi * random.uniform());
}

}  // namespace elementary
