// The step size that follows from theory.
#pragma once

#include <functional>
#include <limits>
#include <string>

#include "config/run_config.hpp"
#include "method/mechanism_tree.hpp"

namespace threepc {

/// What is known of f and the f_i. NaN: unknown.
struct Smoothness {
  double L_plus = std::numeric_limits<double>::quiet_NaN();   // sqrt((1/n) sum_i L_i^2)
  double L_minus = std::numeric_limits<double>::quiet_NaN();  // of f
  double spread = std::numeric_limits<double>::quiet_NaN();   // the Hessian variance
};

/// A mechanism as theory sees it.
struct Compression {
  tpc::Constants constants;
  std::string name;
};

/// gamma without the multiplier, for the uplink's mechanism and, if the downlink has one, that. Calls `find_L_minus` if
/// L_minus is needed and unknown, and remembers it. Throws Failure(Exit::usage), which says why no step size follows.
///
/// Without a mechanism down: 1 / (L_minus + L_plus sqrt(B / A)) (3PC, Theorem 5.5); with B_spread, the part of B that
/// goes with the Hessian variance in place of L_plus (Szlendak, Tyurin, Richtarik 2022, Theorem 4). Under the PL
/// condition with constant mu, min{1 / (L_minus + L_plus sqrt(2B / A)), A / (2 mu)} (3PC, Theorem 5.8).
///
/// With one that loses something, of constants A', B': 1 / (L_minus + sqrt(2 M)), where the Lyapunov function f + gamma
/// a G + gamma b H has a term for the error of either link, and (docs/mechanisms.md derives both)
///   of = "gradient": M = L_plus^2 (a B + 3 (1 + B) B' / A'), a = (1 + 3 (2 - A) B' / A') / A
///   of = "model":    M = 3 (1 + B') L_plus^2 B / A + c B', c = (L_minus^2 + 3 (2 - A') L_plus^2 B / A) / A'
double theoretical_stepsize(const RunConfig& config, const Compression& up, const Compression* down, Smoothness& known,
                            const std::function<double()>& find_L_minus);

}  // namespace threepc
