// The parameters of a problem on LIBSVM data, and the rows that they make of a file's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "libsvm.hpp"
#include "split.hpp"

inline constexpr std::array<const char*, 3> scale_names = {"none", "max_abs", "unit_rows"};

struct LibsvmOptions : SplitOptions {
  tpc::Path data;
  std::optional<std::int64_t> features;
  std::string_view scale = "none";
  bool intercept = false;

  std::shared_ptr<const LibsvmFile> open() const;

  /// What is divided by numbers of one file wants that file everywhere.
  bool own_data() const { return SplitOptions::own_data() && scale != "max_abs"; }

  /// Columns of the rows: the features, and one more for the intercept. Throws TPC_CORRUPT beyond 2^32 - 2.
  std::uint32_t columns(const LibsvmFile& file) const;

  /// Some rows, scaled, each with a final 1 where there is an intercept.
  CompressedRows rows(const LibsvmFile& file, std::span<const std::uint32_t> which) const;
};

/// A problem with classes.
struct LabelledOptions : LibsvmOptions {
  std::optional<tpc::Reals> labels;

  /// The classes that `labels` declares, in its order, or what `of_file` says. Throws tpc::BadParameter, naming the
  /// parameter that is `key`, for a label that is declared twice, or alone.
  template <class OfFile>
  std::vector<double> classes(OfFile of_file, const char* key = "labels") const {
    return labels ? declared(key) : of_file();
  }

 private:
  std::vector<double> declared(const char* key) const;
};

/// For an options struct that derives from LibsvmOptions.
template <class Options>
constexpr auto data_param(const char* doc) {
  return tpc::param<&LibsvmOptions::data, Options>("data", doc, {.required = true});
}
template <class Options>
constexpr auto features_param() {
  return tpc::param<&LibsvmOptions::features, Options>("features",
                                                       "number of features; default: the largest index in the file",
                                                       {.minimum = 1, .maximum = 4294967294.0});
}
template <class Options>
constexpr auto scale_param() {
  return tpc::param<&LibsvmOptions::scale, Options>(
      "scale",
      "max_abs: each feature divided by its largest absolute value in the file; unit_rows: each row divided by its "
      "Euclidean norm",
      {.choices = scale_names});
}
template <class Options>
constexpr auto intercept_param() {
  return tpc::param<&LibsvmOptions::intercept, Options>(
      "intercept", "appends a feature that is 1 in every row, after scaling; it is regularized as all are");
}
/// For one that derives from LabelledOptions.
template <class Options>
constexpr auto labels_param(const char* doc) {
  return tpc::param<&LabelledOptions::labels, Options>("labels", doc);
}
