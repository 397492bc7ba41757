// Weights with which workers agree fast over few links.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace design {

/// A pair of workers u != v that may be linked, both ways with the same weight.
struct Candidate {
  std::uint32_t u = 0, v = 0;
  double least = 0;  // weight that it has at least, above 0 for links that must be there
  double price = 0;  // of a unit of its weight
};

/// What each worker keeps of its own, at least: one that keeps nothing could swap with another for ever.
inline constexpr double least_own = 1e-6;

/// For each step Newton's method solves a system with as many unknowns: with this many, ten seconds in all.
inline constexpr std::size_t most_candidates = 2000;

/// The weights w, above `least`, that minimise
///
///   |C - 11'/n|_2 + sum_e price_e w_e   over   w_e >= least_e,  C_kk = 1 - sum of w at worker k >= least_own
///
/// with C = I - sum_e w_e b_e b_e', b_e = unit vector of u minus that of v: symmetric, and its rows sum to 1. The sum
/// is within 1e-6 of the least, or as near as doubles allow. Where several w have the same sum it is the one in the
/// middle of them. `least` leaves every worker more than least_own; at most most_candidates, none twice.
///
/// The norm s is a variable of its own, with -s I <= C - 11'/n <= s I: a semidefinite program, solved by Newton's
/// method with a logarithmic barrier (Boyd, Vandenberghe, Convex Optimization, chapter 11; Xiao, Boyd 2004 for mixing).
std::vector<double> weights(std::uint32_t workers, std::span<const Candidate> candidates);

/// |C - 11'/n|_2: by this factor at most a round of mixing leaves the workers' distance from their mean.
double spread(std::uint32_t workers, std::span<const Candidate> candidates, std::span<const double> weights);

}  // namespace design
