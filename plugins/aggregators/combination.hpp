// What rules that weigh whole rows share.
#pragma once

#include <cstddef>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

/// out <- sum_i c_i row_i, in the order of the rows; rows of weight 0 are left alone.
inline void combine(const tpc::Rows& rows, std::span<const double> c, std::span<double> out) {
  for (double& value : out) value = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; c[i] != 0 && j < out.size(); ++j) out[j] += c[i] * rows[i][j];
}

/// distances[i] += ||row_i - v||^2
inline void add_distances(const tpc::Rows& rows, std::span<const double> v, std::span<double> distances) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < v.size(); ++j) distances[i] += (rows[i][j] - v[j]) * (rows[i][j] - v[j]);
}
