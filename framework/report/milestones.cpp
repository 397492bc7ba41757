#include "report/milestones.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace threepc::report {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const Series* find_series(const RunRecord& run, std::string_view key) {
  const auto found = std::ranges::find(run.series, key, &Series::key);
  return found == run.series.end() ? nullptr : &*found;
}

/// digits · 10^exponent, the double that a reader of this decimal number gets.
double decimal(int digits, int exponent) {
  const std::string text = std::to_string(digits) + "e" + std::to_string(exponent);
  double value = infinity;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Rows {
  std::vector<std::size_t> rows;
  std::vector<double> tolerances;
};

/// The square of the last tolerance is what the gradient has to fall below to reach another one.
Rows rows_of_milestones(const std::vector<double>& grad_norm_sq) {
  Rows out;
  double lowest = infinity;
  for (std::size_t row = 0; row < grad_norm_sq.size(); ++row) {
    const double value = grad_norm_sq[row];
    if (!(value >= 0 && value < lowest)) continue;
    lowest = value;
    const double tolerance = smallest_tolerance(value);
    if (!out.rows.empty() && tolerance >= out.tolerances.back()) continue;
    out.rows.push_back(row);
    out.tolerances.push_back(tolerance);
  }
  return out;
}

}  // namespace

double smallest_tolerance(double grad_norm_sq) {
  if (grad_norm_sq == 0) return 0;
  const double norm = std::sqrt(grad_norm_sq);
  const int exponent = static_cast<int>(std::floor(std::log10(norm))) - 1;
  // The logarithm and the root are rounded, so the search begins two steps below.
  int digits = static_cast<int>(norm / decimal(1, exponent)) - 2;
  while (decimal(digits, exponent) * decimal(digits, exponent) < grad_norm_sq) ++digits;
  return digits <= 99 ? decimal(digits, exponent) : decimal((digits + 9) / 10, exponent + 1);
}

std::vector<Series> milestones(const RunRecord& run) {
  const Series* gradient = find_series(run, "grad_norm_sq");
  if (gradient == nullptr) return {};
  const Rows found = rows_of_milestones(gradient->values);
  std::vector<Series> out = {{"tolerance", found.tolerances}};
  for (const char* key : {"round", "uplink_bits_per_worker", "downlink_bits_per_worker", "seconds"}) {
    const Series* cost = find_series(run, key);
    if (cost == nullptr) continue;
    Series& at = out.emplace_back(Series{key, {}});
    for (const std::size_t row : found.rows) at.values.push_back(cost->values[row]);
  }
  return out;
}

}  // namespace threepc::report
