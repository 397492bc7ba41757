// The scalars that define a family of quadratics, read from a file so that a published problem needs no
// random generator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Everything that the n quadratics differ in: A_i = (nu_s[i]/4) tridiag(-1, 2, -1) + shift I and
/// b_i = (nu_s[i]/4) (nu_b[i] - 1) e_1. Both arrays hold n values.
struct QuadraticScalars {
  std::uint32_t dim = 1;
  double shift = 0;
  std::vector<double> nu_s = {};
  std::vector<double> nu_b = {};
};

/// Reads a JSON object with the arrays "nu_s" and "nu_b" of equal length, the number "shift" and the integer
/// "d": the file's top level or, if `problem` is given, its member problems/<problem>. Other members
/// are ignored. Throws tpc::Error with TPC_IO or TPC_CORRUPT ("FILE[:LINE]: what was expected, what was
/// seen"), and tpc::BadParameter("problem") if the file has no such problem.
QuadraticScalars read_quadratic_scalars(const std::string& file, std::optional<std::string_view> problem);
