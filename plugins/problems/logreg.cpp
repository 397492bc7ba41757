// Logistic regression on a LIBSVM file, with a choice of regularisers.
//
// Worker i holds m rows a_r with labels y_r = -1 or +1 and f_i(x) = (1/m) sum_r log(1 + exp(-margin_r)) + R(x),
// margin_r = y_r a_r'x (Richtarik et al. 2022, experiments). R is 0, (lambda/2) ||x||^2, or the nonconvex
// lambda sum_j x_j^2 / (1 + x_j^2). Rows are stored multiplied by their label, signed_row = y_r a_r, so that labels
// vanish from every formula: the gradient is -(1/m) sum_r sigma(-margin_r) signed_row + R'(x), sigma(u) =
// 1 / (1 + exp(-u)). Both exp are taken of -|margin_r|, which no margin can overflow. The Hessian is at most
// A'A / (4m) + c I, where c bounds R'': that is the curvature.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "libsvm.hpp"

namespace {

constexpr std::array<const char*, 3> regularizers = {"none", "l2", "nonconvex"};

struct LogRegOptions {
  tpc::Path data;
  std::optional<std::int64_t> features;
  std::string_view regularizer = "nonconvex";
  double lambda = 0.1;
};

/// log(1 + exp(-margin)).
double logistic_loss(double margin) { return std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin))); }

/// sigma(-margin) = 1 / (1 + exp(margin)), minus the derivative of logistic_loss.
double pull(double margin) {
  const double small = std::exp(-std::abs(margin));
  return (margin >= 0 ? small : 1) / (1 + small);
}

class Regularizer {
 public:
  Regularizer(std::string_view kind, double lambda)
      : nonconvex_(kind == "nonconvex"), lambda_(kind == "none" ? 0 : lambda) {}

  template <class T>
  double value(std::span<const T> x) const {
    if (lambda_ == 0) return 0;
    if (!nonconvex_) return lambda_ / 2 * tpc::norm_sq(x);
    return lambda_ * tpc::detail::lane_sum(x.size(), [&](std::size_t j) {
             const double square = double{x[j]} * double{x[j]};
             return square <= 1 ? square / (1 + square) : 1 / (1 + 1 / square);
           });
  }

  /// gradient <- R'(x)
  template <class T>
  void gradient(std::span<const T> x, std::span<T> out) const {
    const T lambda = static_cast<T>(lambda_);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const T falloff = 1 + x[j] * x[j];
      out[j] = nonconvex_ ? 2 * lambda * x[j] / (falloff * falloff) : lambda * x[j];
    }
  }

  double largest_curvature() const { return nonconvex_ ? 2 * lambda_ : lambda_; }

 private:
  bool nonconvex_;
  double lambda_;
};

template <class T>
class LogReg {
 public:
  static constexpr tpc::About about = {
      .id = "logreg",
      .version = "1.0.0",
      .summary = "Two-class logistic regression on LIBSVM data, split into contiguous shards.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998"};
  static constexpr auto params = tpc::params(
      tpc::param<&LogRegOptions::data>("data", "LIBSVM text file with two distinct labels", {.required = true}),
      tpc::param<&LogRegOptions::features>("features", "number of features d; default: the largest index in the file",
                                           {.minimum = 1, .maximum = 4294967294.0}),
      tpc::param<&LogRegOptions::regularizer>("regularizer",
                                              "none, l2: lambda/2 ||x||^2, or nonconvex: lambda sum x_j^2/(1+x_j^2)",
                                              {.choices = regularizers}),
      tpc::param<&LogRegOptions::lambda>("lambda", "weight of the regularizer", {.minimum = 0}));

  LogReg(const LogRegOptions& options, const tpc::Setup& setup) : regularizer_(options.regularizer, options.lambda) {
    if (setup.worker() >= setup.workers())
      throw tpc::Error(TPC_INVALID_ARGUMENT, "a shard belongs to one of the workers");
    LibsvmSelection selection{.part = setup.worker(), .parts = setup.workers()};
    if (options.features) selection.features = static_cast<std::uint32_t>(*options.features);
    const std::string file(options.data.file);
    keep(file, read_libsvm(file, selection));
  }

  tpc::Facts facts() const { return {.dim = dim_, .rows = rows()}; }
  void start(std::span<T> x0) const { std::fill(x0.begin(), x0.end(), T{0}); }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool want_value) const {
    if (!gradient.empty()) regularizer_.gradient(x, gradient);
    double loss = 0;
    for (std::size_t r = 0; r < rows(); ++r) {
      const double margin = dot(r, x);
      if (want_value) loss += logistic_loss(margin);
      if (!gradient.empty()) add_row(r, -pull(margin) / static_cast<double>(rows()), gradient);
    }
    return want_value ? loss / static_cast<double>(rows()) + regularizer_.value(x) : 0;
  }

  void curvature(std::span<const double> v, std::span<double> out) const {
    for (std::size_t j = 0; j < v.size(); ++j) out[j] = regularizer_.largest_curvature() * v[j];
    for (std::size_t r = 0; r < rows(); ++r) add_row(r, dot(r, v) / (4 * static_cast<double>(rows())), out);
  }

 private:
  void keep(const std::string& file, LibsvmShard&& shard) {
    dim_ = shard.features;
    row_begin_ = std::move(shard.row_begin);
    columns_ = std::move(shard.columns);
    values_.reserve(shard.values.size());
    for (std::size_t r = 0; r < rows(); ++r)
      for (std::size_t k = row_begin_[r]; k < row_begin_[r + 1]; ++k)
        values_.push_back(narrowed(file, shard.labels[r] * shard.values[k]));
  }

  static T narrowed(const std::string& file, double value) {
    const T out = static_cast<T>(value);
    if (!std::isfinite(out))
      throw tpc::Corrupt(
          tpc::text(file, ": expected values that f32 can hold, seen ", std::abs(value), "; use dtype f64"));
    return out;
  }

  std::size_t rows() const { return row_begin_.size() - 1; }

  /// signed_row_r ' v
  template <class V>
  double dot(std::size_t r, std::span<const V> v) const {
    const T* const values = values_.data() + row_begin_[r];
    const std::uint32_t* const columns = columns_.data() + row_begin_[r];
    return tpc::detail::lane_sum(row_begin_[r + 1] - row_begin_[r],
                                 [&](std::size_t k) { return double{values[k]} * double{v[columns[k]]}; });
  }

  /// out <- out + weight signed_row_r
  template <class V>
  void add_row(std::size_t r, double weight, std::span<V> out) const {
    const V factor = static_cast<V>(weight);
    for (std::size_t k = row_begin_[r]; k < row_begin_[r + 1]; ++k)
      out[columns_[k]] += factor * static_cast<V>(values_[k]);
  }

  Regularizer regularizer_;
  std::uint32_t dim_ = 0;
  std::vector<std::size_t> row_begin_;
  std::vector<std::uint32_t> columns_;
  std::vector<T> values_;
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<LogReg>);
