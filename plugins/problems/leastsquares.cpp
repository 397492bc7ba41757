// Linear least squares on LIBSVM data with real targets.
//
// Worker i holds m rows a_r with targets y_r: f_i(x) = 1/(2m) sum_r (a_r'x - y_r)^2 + (lambda/2) ||x||^2. The Hessian
// A'A / m + lambda I is the curvature.
#include <algorithm>
#include <threepc/sdk.hpp>

#include "data/all_rows.hpp"
#include "data/libsvm_options.hpp"
#include "data/sparse_rows.hpp"

namespace {

struct LeastSquaresOptions : LibsvmOptions {
  double lambda = 0;
};

template <class T>
class LeastSquares {
 public:
  static constexpr tpc::About about = {.id = "leastsquares",
                                       .version = "1.0.0",
                                       .summary = "Linear least squares on LIBSVM data with real targets.",
                                       .theory = "L_i = lambda_max(A'A)/m + lambda, by Lanczos"};
  static constexpr auto params = tpc::params(
      data_param<LeastSquaresOptions>("LIBSVM text file; the label of a row is its target; plain, gz, bz2 or xz"),
      features_param<LeastSquaresOptions>(), scale_param<LeastSquaresOptions>(), intercept_param<LeastSquaresOptions>(),
      tpc::param<&LeastSquaresOptions::lambda>("lambda", "weight of lambda/2 ||x||^2", {.minimum = 0}),
      split_param<LeastSquaresOptions>(), dirichlet_param<LeastSquaresOptions>());

  LeastSquares(const LeastSquaresOptions& options, const tpc::Setup& setup)
      : file_(options.open()),
        dim_(options.columns(*file_)),
        data_digest_(file_->digest()),
        own_data_(options.own_data()),
        lambda_(options.lambda) {
    const auto& targets = file_->labels();
    const auto own = rows_of_worker(options, setup, targets.size(), targets, file_->name());
    rows_ = SparseRows<T>(options.rows(*file_, own), file_->name());
    for (const std::uint32_t r : own) targets_.push_back(targets[r]);
  }

  tpc::Facts facts() const {
    return {.dim = dim_, .rows = rows_.size(), .data_digest = data_digest_, .own_data = own_data_};
  }
  void start(std::span<T> x0) const { std::fill(x0.begin(), x0.end(), T{0}); }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool) {
    file_.reset();
    return over(AllRows(rows_.size()), x, gradient);
  }

  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) const {
    over(rows, x, gradient);
  }

  void curvature(std::span<const double> v, std::span<double> out) const {
    for (std::size_t j = 0; j < v.size(); ++j) out[j] = lambda_ * v[j];
    for (std::size_t r = 0; r < rows_.size(); ++r) rows_.add_row(r, rows_.dot(r, v) / double(rows_.size()), out);
  }

 private:
  /// f_i over the given rows, and its gradient unless that is empty.
  double over(auto rows, std::span<const T> x, std::span<T> gradient) const {
    const auto count = static_cast<double>(rows.size());
    for (std::size_t j = 0; j < gradient.size(); ++j) gradient[j] = static_cast<T>(lambda_) * x[j];
    double squares = 0;
    for (const auto r : rows) {
      const double residual = rows_.dot(r, x) - targets_[r];
      squares += residual * residual;
      if (!gradient.empty()) rows_.add_row(r, residual / count, gradient);
    }
    return squares / (2 * count) + lambda_ / 2 * tpc::norm_sq(x);
  }

  std::shared_ptr<const LibsvmFile> file_;  // until the first evaluation: the process's other workers are made before
  std::uint32_t dim_;
  std::uint64_t data_digest_;
  bool own_data_;
  double lambda_;
  SparseRows<T> rows_;
  std::vector<double> targets_;
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<LeastSquares>);
