// What all ditherings share: the payload of a norm and one signed level a coordinate, and fair rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>

#include "norms.hpp"
#include "symbols.hpp"

/// v as N = ||v||_q and, for each coordinate, its sign and a level 0 .. s that stands for a share of N in [0, 1].
///
/// Payload: N as a T, then d symbols s + sign * level out of 2s + 1. A v that holds NaN or infinity, or whose norm
/// overflows T, decodes to values that are not finite, so that a diverged run is seen.
template <class T>
class Levels {
 public:
  Levels(std::uint32_t dim, std::uint32_t levels) : dim_(dim), levels_(levels), symbols_(2 * levels + 1) {}

  std::uint64_t bytes() const { return sizeof(T) + symbols_.bytes(dim_); }

  /// level(share) is called for |v_j| / N in [0, 1], in the order of the coordinates.
  template <class Level>
  void encode(std::span<const T> v, Norm which, tpc::Writer& out, Level level) const {
    const T norm = static_cast<T>(norm_of(v, which));
    const bool usable = norm > 0 && std::isfinite(norm);
    out.put(norm);
    symbols_.write(dim_, out, [&](std::uint32_t i) {
      // Rounding the norm to T may leave it an ulp below the largest coordinate.
      const std::uint32_t drawn = usable ? level(std::min(1.0, std::abs(double{v[i]}) / double{norm})) : 0;
      return v[i] < 0 ? levels_ - drawn : levels_ + drawn;
    });
  }

  /// share(level) is what a level stands for. Returns the number of values: d and the norm.
  template <class Sum, class Share>
  std::uint64_t accumulate(tpc::Reader& in, Sum& out, Share share) const {
    const double norm = in.get<T>();
    if (norm < 0) throw tpc::Corrupt(tpc::text("a norm of ", norm, " is negative"));
    symbols_.read(dim_, in, [&](std::uint32_t i, std::uint32_t symbol) {
      const bool negative = symbol < levels_;
      const double size = norm * share(negative ? levels_ - symbol : symbol - levels_);
      out.add(i, static_cast<T>(negative ? -size : size));
    });
    return std::uint64_t{dim_} + 1;
  }

 private:
  std::uint32_t dim_;
  std::uint32_t levels_;
  Symbols symbols_;
};

/// Rounds share * s, share in [0, 1], to one of its two neighbours in 0 .. s, so that the mean is share * s.
inline std::uint32_t dither(double share, std::uint32_t s, tpc::Random& random) {
  const double position = share * s;
  const auto below = static_cast<std::uint32_t>(position);
  return below + (random.uniform() < position - below ? 1 : 0);
}

/// omega of the dithering with s uniform levels, for every d and the best possible in the cases that are marked so.
///
/// With x_j = s |v_j| / N and f_j its fraction, the error is (N/s)^2 sum f_j (1 - f_j), so omega is the largest
/// sum f_j (1 - f_j) / sum x_j^2. For q = 1, 2 let t = d^(1/q) / s. A flat v below the first level has t - 1, the
/// worst for t >= 2 (best possible); else f (1 - f) <= 1/4 gives t^2 / 4. These lie below the published
/// min{t^2, t} (Alistarh et al. 2017, Lemma 3.1). For q = inf the worst v has one coordinate of size N and d - 1
/// equal ones below the first level: (sqrt(1 + (d-1)/s^2) - 1) / 2 (best possible).
inline double dithering_omega(std::uint32_t dim, std::uint32_t s, Norm which) {
  if (dim <= 1) return 0;
  if (which == Norm::max) return (std::sqrt(1 + (dim - 1.0) / s / s) - 1) / 2;
  const double t = flat_norm(dim, which) / s;
  return t >= 2 ? t - 1 : t * t / 4;
}
