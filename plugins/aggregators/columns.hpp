// What rules share that look at one coordinate of all rows at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

/// out[j] <- of(values of coordinate j, in the order of the rows, which it may reorder).
template <class Of>
void for_each_column(const tpc::Rows& rows, std::span<double> out, Of of) {
  std::vector<double> column(rows.size());
  for (std::size_t j = 0; j < out.size(); ++j) {
    for (std::size_t i = 0; i < rows.size(); ++i) column[i] = rows[i][j];
    out[j] = of(column);
  }
}

/// Of the two in the middle their mean, where there are two. Reorders the values.
inline double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

inline double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}
