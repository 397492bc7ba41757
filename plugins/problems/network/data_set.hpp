// What networks learn from: IDX images with their labels, or LIBSVM text.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "../data/idx.hpp"
#include "../data/libsvm_options.hpp"
#include "../data/sparse_rows.hpp"

inline constexpr std::array<const char*, 2> target_names = {"classes", "values"};

/// `labels` of LabelledOptions, the classes that are declared, is the parameter `classes` here.
struct DataOptions : LabelledOptions {
  std::optional<tpc::Path> label_file;
  std::string_view targets = "classes";
  double held_out = 0;

  bool wants_values() const { return targets == "values"; }
};

/// Row numbers, ascending.
struct Parts {
  std::vector<std::uint32_t> training, held_out;
};

/// Rows in the run's dtype: pixels, which stay bytes, divided by 255; or features.
template <class T>
class Inputs {
 public:
  Inputs() = default;
  explicit Inputs(std::vector<std::uint8_t>&& bytes) : bytes_(std::move(bytes)) {}
  explicit Inputs(SparseRows<T>&& rows) : rows_(std::move(rows)) {}

  /// out <- row r
  void write(std::uint64_t r, std::span<T> out) const {
    if (bytes_.empty()) return write_sparse(r, out);
    const std::uint8_t* const first = bytes_.data() + r * out.size();
    std::transform(first, first + out.size(), out.begin(),
                   [](std::uint8_t pixel) { return static_cast<T>(pixel / 255.0); });
  }

 private:
  void write_sparse(std::uint64_t r, std::span<T> out) const {
    std::fill(out.begin(), out.end(), T{0});
    rows_.for_each(r, [&](std::uint32_t column, T value) { out[column] = value; });
  }

  std::vector<std::uint8_t> bytes_;
  SparseRows<T> rows_;
};

/// Rows, and of each the number of its class or the value that it should give.
template <class T>
struct Examples {
  Inputs<T> inputs;
  std::vector<double> targets;

  std::uint64_t size() const { return targets.size(); }
};

/// The whole files, which the workers of a process share as long as somebody holds them.
class DataSet {
 public:
  /// Throws tpc::Error as the readers of files do, and tpc::BadParameter for images without labels and for parameters
  /// that do not go with the kind of data.
  explicit DataSet(const DataOptions& options);

  const std::string& name() const { return text_ ? text_->name() : images_->name(); }
  std::uint32_t features() const { return text_ ? text_->features() : images_->pixels(); }
  std::uint32_t outputs() const { return outputs_; }  // a class each; 1 where targets are values
  std::uint64_t digest() const { return text_ ? text_->digest() : digest_of(*images_, labels_); }

  /// What nobody trains on, floor(held_out x rows) rows drawn from the run's seed, and what this worker is to train on
  /// and to measure. The rest is split as all data are; of what is held out each of n workers has an n-th, or all where
  /// the split is "replicated". Throws as rows_of_worker does, and tpc::BadParameter for a share of less than a row.
  Parts parts(const DataOptions& options, const tpc::Setup& setup) const;

  template <class T>
  Examples<T> examples(const DataOptions& options, std::span<const std::uint32_t> rows) const {
    Examples<T> out{text_ ? Inputs<T>(SparseRows<T>(options.rows(*text_, rows), name())) : Inputs<T>(pixels(rows)), {}};
    for (const std::uint32_t r : rows) out.targets.push_back(targets_[r]);
    return out;
  }

 private:
  const std::vector<double>& labels() const { return text_ ? text_->labels() : labels_.labels; }
  void open_images(const DataOptions& options);
  void open_text(const DataOptions& options);
  void find_classes(const DataOptions& options);
  std::vector<double> distinct_labels() const;
  std::vector<std::uint32_t> class_of_rows(std::span<const double> classes) const;
  std::vector<std::uint8_t> pixels(std::span<const std::uint32_t> rows) const;

  std::shared_ptr<const IdxImages> images_;
  IdxLabels labels_;  // of images
  std::shared_ptr<const LibsvmFile> text_;
  std::uint32_t outputs_ = 1;
  std::vector<double> targets_;  // of all rows
};
