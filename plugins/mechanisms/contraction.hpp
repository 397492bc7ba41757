// A and B of a mechanism that moves h by one contractive compression of x - h.
#pragma once

#include <algorithm>
#include <cmath>
#include <threepc/sdk.hpp>

/// A = 1 - sqrt(1 - alpha), B = (1 - alpha) / A (3PC, Table 1); the limit alpha = 1 is A = 1, B = 0. Nothing is known
/// for alpha = 0, a compressor that never adds to the error but may send nothing: then h need not approach x.
inline tpc::Constants error_feedback_constants(double alpha) {
  if (alpha == 0) return {};
  const double rest = std::sqrt(1 - alpha);
  return {.A = 1 - rest, .B = (1 - alpha) / (1 - rest)};
}

/// The same where h may also stay as long as ||x - h||^2 <= zeta ||x - y||^2: B = max{(1 - alpha) / A, zeta}.
inline tpc::Constants lazy_error_feedback_constants(double alpha, double zeta) {
  tpc::Constants out = error_feedback_constants(alpha);
  if (alpha > 0) out.B = std::max(out.B, zeta);
  return out;
}

/// Of a mechanism that sends x as it is when its compressor keeps everything (alpha = 1), and about which the three
/// point inequality says nothing otherwise.
inline tpc::Constants lossless_constants(double alpha) {
  return alpha == 1 ? tpc::Constants{.A = 1, .B = 0} : tpc::Constants{};
}
