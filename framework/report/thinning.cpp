#include "report/thinning.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string_view>

namespace threepc::report {
namespace {

using Columns = std::vector<const std::vector<double>*>;

/// Counters only grow: their extremes in an interval are its ends. grad_norm is extreme where grad_norm_sq is.
bool needs_no_extremes(std::string_view key) {
  static const std::set<std::string_view> keys = {
      "round",      "grad_norm", "uplink_floats_per_worker", "uplink_bits_per_worker", "downlink_bits_per_worker",
      "wire_bytes", "seconds"};
  return keys.contains(key);
}

Columns watched_columns(const RunRecord& run) {
  Columns out;
  for (const Series& series : run.series)
    if (!needs_no_extremes(series.key)) out.push_back(&series.values);
  return out;
}

/// The rows of [begin, end) where `values` is smallest and largest, NaN passed over.
void keep_extremes(const std::vector<double>& values, std::size_t begin, std::size_t end,
                   std::vector<std::size_t>& kept) {
  std::size_t low = end, high = end;
  for (std::size_t row = begin; row < end; ++row) {
    if (std::isnan(values[row])) continue;
    if (low == end || values[row] < values[low]) low = row;
    if (high == end || values[row] > values[high]) high = row;
  }
  if (low != end) kept.insert(kept.end(), {low, high});
}

void keep_of(const Columns& columns, std::size_t begin, std::size_t end, std::vector<std::size_t>& kept) {
  if (begin == end) return;
  kept.insert(kept.end(), {begin, end - 1});
  for (const std::vector<double>* values : columns) keep_extremes(*values, begin, end, kept);
}

using Rows = std::vector<std::size_t>;

Rows rows_of(const Columns& columns, std::size_t rows, std::size_t intervals) {
  Rows kept;
  const auto even = [&](std::size_t i) { return rows * i / intervals; };
  const auto logarithmic = [&](std::size_t i) {
    if (i == 0 || i == intervals) return i == 0 ? 0 : rows;
    const double share = static_cast<double>(i) / static_cast<double>(intervals);
    return static_cast<std::size_t>(std::pow(static_cast<double>(rows), share));
  };
  for (std::size_t i = 0; i < intervals; ++i) {
    keep_of(columns, even(i), even(i + 1), kept);
    keep_of(columns, logarithmic(i), logarithmic(i + 1), kept);
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

}  // namespace

std::vector<std::size_t> rows_to_draw(const RunRecord& run, std::size_t most) {
  const std::size_t rows = run.rows();
  std::vector<std::size_t> kept;
  if (rows <= most) {
    kept.resize(rows);
    std::iota(kept.begin(), kept.end(), 0);
    return kept;
  }
  // Many extremes fall on the same rows, so more intervals fit than the worst case lets expect: the most that do are
  // looked for by halving.
  const Columns columns = watched_columns(run);
  std::size_t fits = std::max<std::size_t>(1, most / 2 / (2 + 2 * columns.size()));
  kept = rows_of(columns, rows, fits);
  for (std::size_t too_many = most; too_many - fits > 1 + fits / 32;) {
    const std::size_t intervals = (fits + too_many) / 2;
    Rows tried = rows_of(columns, rows, intervals);
    if (tried.size() > most) {
      too_many = intervals;
      continue;
    }
    fits = intervals;
    kept = std::move(tried);
  }
  return kept;
}

void thin(RunRecord& run, std::size_t most) {
  const std::vector<std::size_t> rows = rows_to_draw(run, most);
  if (rows.size() == run.rows()) return;
  for (Series& series : run.series) {
    std::vector<double> kept;
    kept.reserve(rows.size());
    for (const std::size_t row : rows) kept.push_back(series.values[row]);
    series.values = std::move(kept);
  }
  run.notes.push_back("At most " + std::to_string(most) + " of " + std::to_string(run.lines) +
                      " lines are drawn, the highest and lowest values among them.");
}

}  // namespace threepc::report
