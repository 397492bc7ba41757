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
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "data/all_rows.hpp"
#include "data/libsvm_options.hpp"
#include "data/sparse_rows.hpp"

namespace {

constexpr std::array<const char*, 3> regularizers = {"none", "l2", "nonconvex"};

struct LogRegOptions : LabelledOptions {
  std::string_view regularizer = "nonconvex";
  double lambda = 0.1;

  /// Row by row -1 for the first of the two classes and +1 for the second.
  std::vector<double> signs(const LibsvmFile& file) const {
    const std::vector<double> two = classes([&] { return file.two_classes(); });
    if (two.size() > 2) throw tpc::BadParameter("labels", tpc::text("expected two labels, got ", two.size()));
    std::vector<double> out;
    for (const std::uint32_t c : file.class_of_rows(two)) out.push_back(c == 0 ? -1 : 1);
    return out;
  }
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
      .summary = "Two-class logistic regression on LIBSVM data, with a choice of regularizers.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "L_i = lambda_max(A'A)/(4m) + 2 lambda (nonconvex) or + lambda (l2), by Lanczos"};
  static constexpr auto params = tpc::params(
      data_param<LogRegOptions>("LIBSVM text file with two distinct labels; plain, gz, bz2 or xz"),
      features_param<LogRegOptions>(), scale_param<LogRegOptions>(), intercept_param<LogRegOptions>(),
      labels_param<LogRegOptions>("the labels of the classes -1 and +1; default: the two that the file has, "
                                  "the smaller one first"),
      tpc::param<&LogRegOptions::regularizer>("regularizer",
                                              "none, l2: lambda/2 ||x||^2, or nonconvex: lambda sum x_j^2/(1+x_j^2)",
                                              {.choices = regularizers}),
      tpc::param<&LogRegOptions::lambda>("lambda", "weight of the regularizer", {.minimum = 0}),
      split_param<LogRegOptions>(), dirichlet_param<LogRegOptions>());

  LogReg(const LogRegOptions& options, const tpc::Setup& setup)
      : file_(options.open()),
        regularizer_(options.regularizer, options.lambda),
        dim_(options.columns(*file_)),
        data_digest_(file_->digest()),
        own_data_(options.own_data()) {
    const std::vector<double> signs = options.signs(*file_);
    const auto own = rows_of_worker(options, setup, signs.size(), signs, file_->name());
    std::vector<double> own_signs;
    for (const std::uint32_t r : own) own_signs.push_back(signs[r]);
    signed_rows_ = SparseRows<T>(options.rows(*file_, own), file_->name(), own_signs);
  }

  tpc::Facts facts() const {
    return {.dim = dim_, .rows = signed_rows_.size(), .data_digest = data_digest_, .own_data = own_data_};
  }
  void start(std::span<T> x0) const { std::fill(x0.begin(), x0.end(), T{0}); }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool want_value) {
    file_.reset();
    const double loss = over(AllRows(signed_rows_.size()), x, gradient, want_value);
    return want_value ? loss + regularizer_.value(x) : 0;
  }

  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) const {
    over(rows, x, gradient, false);
  }

  void curvature(std::span<const double> v, std::span<double> out) const {
    const auto count = static_cast<double>(signed_rows_.size());
    for (std::size_t j = 0; j < v.size(); ++j) out[j] = regularizer_.largest_curvature() * v[j];
    for (std::size_t r = 0; r < signed_rows_.size(); ++r)
      signed_rows_.add_row(r, signed_rows_.dot(r, v) / (4 * count), out);
  }

 private:
  /// The mean loss over the given rows if it is wanted, and unless it is empty the gradient, regularizer included.
  double over(auto rows, std::span<const T> x, std::span<T> gradient, bool want_value) const {
    const auto count = static_cast<double>(rows.size());
    if (!gradient.empty()) regularizer_.gradient(x, gradient);
    double loss = 0;
    for (const auto r : rows) {
      const double margin = signed_rows_.dot(r, x);
      if (want_value) loss += logistic_loss(margin);
      if (!gradient.empty()) signed_rows_.add_row(r, -pull(margin) / count, gradient);
    }
    return loss / count;
  }

  std::shared_ptr<const LibsvmFile> file_;  // until the first evaluation: the process's other workers are made before
  Regularizer regularizer_;
  std::uint32_t dim_;
  std::uint64_t data_digest_;
  bool own_data_;
  SparseRows<T> signed_rows_;
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<LogReg>);
