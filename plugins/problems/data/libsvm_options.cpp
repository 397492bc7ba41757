#include "libsvm_options.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace {

constexpr std::uint32_t largest_dim = 4294967294;

/// What divides the entries of a row: the largest of its magnitudes first, so that no square overflows or vanishes.
double norm(std::span<const double> row) {
  double largest = 0, squares = 0;
  for (const double value : row) largest = std::max(largest, std::abs(value));
  if (largest == 0) return 1;
  for (const double value : row) squares += (value / largest) * (value / largest);
  return largest * std::sqrt(squares);
}

void scale_rows(CompressedRows& rows) {
  for (std::size_t r = 0; r + 1 < rows.row_begin.size(); ++r) {
    const std::span row(rows.values.data() + rows.row_begin[r], rows.row_begin[r + 1] - rows.row_begin[r]);
    const double length = norm(row);
    for (double& value : row) value /= length;
  }
}

void scale_features(CompressedRows& rows, const std::vector<double>& largest) {
  for (std::size_t k = 0; k < rows.values.size(); ++k)
    if (largest[rows.columns[k]] > 0) rows.values[k] /= largest[rows.columns[k]];
}

CompressedRows with_intercept(const CompressedRows& rows, std::uint32_t column) {
  CompressedRows out;
  for (std::size_t r = 0; r + 1 < rows.row_begin.size(); ++r) {
    for (std::size_t k = rows.row_begin[r]; k < rows.row_begin[r + 1]; ++k) {
      out.columns.push_back(rows.columns[k]);
      out.values.push_back(rows.values[k]);
    }
    out.columns.push_back(column);
    out.values.push_back(1);
    out.row_begin.push_back(out.columns.size());
  }
  return out;
}

}  // namespace

std::shared_ptr<const LibsvmFile> LibsvmOptions::open() const {
  const auto count = features ? std::optional(static_cast<std::uint32_t>(*features)) : std::nullopt;
  return LibsvmFile::open(std::string(data.file), count);
}

std::uint32_t LibsvmOptions::columns(const LibsvmFile& file) const {
  if (intercept && file.features() >= largest_dim)
    throw tpc::Corrupt(tpc::text(file.name(), ": expected fewer than ", largest_dim,
                                 " features beside an intercept, seen ", file.features()));
  return file.features() + (intercept ? 1 : 0);
}

CompressedRows LibsvmOptions::rows(const LibsvmFile& file, std::span<const std::uint32_t> which) const {
  CompressedRows out = file.rows(which);
  if (scale == "max_abs") scale_features(out, file.largest_values());
  if (scale == "unit_rows") scale_rows(out);
  return intercept ? with_intercept(out, file.features()) : out;
}

std::vector<double> LabelledOptions::declared(const char* key) const {
  std::vector<double> out(labels->begin(), labels->end()), sorted = out;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) throw tpc::BadParameter(key, tpc::text("names the label ", *twice, " twice"));
  if (out.size() < 2) throw tpc::BadParameter(key, "expected two labels or more, got one");
  return out;
}
