// LIBSVM text: one row a line, "label index:value index:value ...", indices from 1 and increasing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "file_text.hpp"

/// Rows in compressed row storage: row r has the entries row_begin[r] .. row_begin[r + 1] of `columns` (from 0) and
/// `values`.
struct CompressedRows {
  std::vector<std::size_t> row_begin = {0};
  std::vector<std::uint32_t> columns = {};
  std::vector<double> values = {};
};

/// A whole file that has been read and checked once, because d and the labels are properties of all rows; the
/// entries of a row are parsed when they are asked for, so that memory goes with what a worker keeps. Plain or
/// compressed (FileText). Blank lines, '#' comments and CRLF are accepted. Any thread.
class LibsvmFile {
 public:
  /// The workers of one process share what they read: a second call for an unchanged file gives the same object, as
  /// long as somebody holds it. Holders let it go at their first evaluation, because it may hold the file's text.
  /// Throws tpc::Error with TPC_IO, or TPC_CORRUPT and "FILE:LINE: expected ..., seen ..." for the first malformed
  /// line or an index above `features`, and without the line for no rows or no features at all.
  static std::shared_ptr<const LibsvmFile> open(const std::string& file, std::optional<std::uint32_t> features);

  LibsvmFile(const std::string& file, std::optional<std::uint32_t> features);

  const std::string& name() const { return name_; }
  std::uint32_t features() const { return features_; }  // the largest index, or what the caller forced
  const std::vector<double>& labels() const { return labels_; }
  std::uint64_t digest() const { return digest_; }  // of the text, decompressed

  CompressedRows rows(std::span<const std::uint32_t> which) const;

  /// The distinct labels in ascending order. Throws TPC_CORRUPT for a single one.
  std::vector<double> classes() const;

  /// The first two distinct labels, the smaller one first. Throws TPC_CORRUPT for a single one.
  std::vector<double> two_classes() const;

  /// Row by row, where its label stands in `classes`. Throws TPC_CORRUPT, with the line, for one that does not.
  std::vector<std::uint32_t> class_of_rows(std::span<const double> classes) const;

  /// Feature by feature the largest |value| of all rows, 0 for one that does not occur. Found at the first call.
  const std::vector<double>& largest_values() const;

 private:
  /// take(entry) for the entries of row r
  template <class Take>
  void parse_row(std::size_t r, Take take) const;
  [[noreturn]] void refuse_single_label() const;

  struct Line {
    std::size_t offset, length;
    std::size_t number;  // from 1
  };

  std::string name_;
  FileText text_;
  std::uint64_t digest_;
  std::uint32_t limit_ = 0;
  bool limit_is_forced_ = false;
  std::uint32_t features_ = 0;
  std::vector<double> labels_;
  std::vector<Line> lines_;  // one per row
  mutable std::once_flag largest_once_;
  mutable std::vector<double> largest_values_;
};
