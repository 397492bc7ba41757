// Sparse rows in the run's dtype, and the two products that every linear model is made of.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "libsvm.hpp"

template <class T>
class SparseRows {
 public:
  SparseRows() = default;

  /// Row r is multiplied by factors[r], or by 1 without any. Throws TPC_CORRUPT, naming `file`, for a value that T
  /// cannot hold.
  SparseRows(CompressedRows&& rows, const std::string& file, std::span<const double> factors = {})
      : row_begin_(std::move(rows.row_begin)), columns_(std::move(rows.columns)) {
    values_.reserve(rows.values.size());
    for (std::size_t r = 0; r < size(); ++r)
      for (std::size_t k = row_begin_[r]; k < row_begin_[r + 1]; ++k)
        values_.push_back(narrowed(file, (factors.empty() ? 1 : factors[r]) * rows.values[k]));
  }

  std::size_t size() const { return row_begin_.size() - 1; }

  /// use(column, value) for the entries of a_r
  template <class Use>
  void for_each(std::size_t r, Use use) const {
    for (std::size_t k = row_begin_[r]; k < row_begin_[r + 1]; ++k) use(columns_[k], values_[k]);
  }

  /// a_r ' v
  template <class V>
  double dot(std::size_t r, std::span<const V> v) const {
    const T* const values = values_.data() + row_begin_[r];
    const std::uint32_t* const columns = columns_.data() + row_begin_[r];
    return tpc::detail::lane_sum(row_begin_[r + 1] - row_begin_[r],
                                 [&](std::size_t k) { return double{values[k]} * double{v[columns[k]]}; });
  }

  /// out <- out + weight a_r
  template <class V>
  void add_row(std::size_t r, double weight, std::span<V> out) const {
    const V factor = static_cast<V>(weight);
    for (std::size_t k = row_begin_[r]; k < row_begin_[r + 1]; ++k)
      out[columns_[k]] += factor * static_cast<V>(values_[k]);
  }

 private:
  static T narrowed(const std::string& file, double value) {
    const T out = static_cast<T>(value);
    if (!std::isfinite(out))
      throw tpc::Corrupt(
          tpc::text(file, ": expected values that f32 can hold, seen ", std::abs(value), "; use dtype f64"));
    return out;
  }

  std::vector<std::size_t> row_begin_ = {0};
  std::vector<std::uint32_t> columns_;
  std::vector<T> values_;
};
