// Multinomial logistic regression on LIBSVM data with any number of classes.
//
// The vector is the matrix X of classes x features, row by row; X_c is its row c, for the c-th of the file's labels in
// ascending order. Worker i holds m rows a_r of class y_r and
//   f_i(X) = (1/m) sum_r [log sum_c exp(X_c'a_r) - X_{y_r}'a_r] + (lambda/2) ||X||^2.
// With p_c the softmax of the scores X_c'a_r the gradient's row c is (1/m) sum_r (p_c - [c = y_r]) a_r + lambda X_c.
// The Hessian is at most I (x) A'A / (2m) + lambda I (Boehning 1992): that is the curvature.
//
// X keeps the weights of one feature `features` apart, but a row needs all classes of its few features. So each
// evaluation gathers the weights of the features that occur in this shard, classes side by side, and scatters the
// gradient back.
#include <algorithm>
#include <cmath>
#include <threepc/sdk.hpp>
#include <utility>
#include <vector>

#include "data/all_rows.hpp"
#include "data/libsvm_options.hpp"
#include "data/sparse_rows.hpp"

namespace {

struct SoftmaxOptions : LabelledOptions {
  double lambda = 0;
};

constexpr std::uint64_t largest_dim = 4294967294;

/// The distinct columns of `rows`, ascending; the columns become positions in them.
std::vector<std::uint32_t> renumber(CompressedRows& rows) {
  std::vector<std::uint32_t> distinct = rows.columns;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (std::uint32_t& column : rows.columns)
    column = static_cast<std::uint32_t>(std::lower_bound(distinct.begin(), distinct.end(), column) - distinct.begin());
  return distinct;
}

template <class T>
class Softmax {
 public:
  static constexpr tpc::About about = {
      .id = "softmax",
      .version = "1.0.0",
      .summary = "Multinomial logistic regression: X of classes x features, on LIBSVM data with any labels.",
      .theory = "L_i <= lambda_max(A'A)/(2m) + lambda, by Lanczos"};
  static constexpr auto params =
      tpc::params(data_param<SoftmaxOptions>("LIBSVM text file; every distinct label is a class; plain, gz, bz2 or xz"),
                  features_param<SoftmaxOptions>(), scale_param<SoftmaxOptions>(), intercept_param<SoftmaxOptions>(),
                  labels_param<SoftmaxOptions>("the labels of the classes, in their order; default: all that the file "
                                               "has, ascending"),
                  tpc::param<&SoftmaxOptions::lambda>("lambda", "weight of lambda/2 ||X||^2", {.minimum = 0}),
                  split_param<SoftmaxOptions>(), dirichlet_param<SoftmaxOptions>());

  Softmax(const SoftmaxOptions& options, const tpc::Setup& setup)
      : file_(options.open()),
        features_(options.columns(*file_)),
        data_digest_(file_->digest()),
        own_data_(options.own_data()),
        lambda_(options.lambda) {
    const std::vector<double> classes = options.classes([&] { return file_->classes(); });
    classes_ = static_cast<std::uint32_t>(classes.size());
    if (std::uint64_t{features_} * classes.size() > largest_dim)
      throw tpc::Corrupt(tpc::text(file_->name(), ": expected classes x features below 2^32, seen ", classes.size(),
                                   " distinct labels x ", features_, " features; are the labels real targets?"));
    const auto own = rows_of_worker(options, setup, file_->labels().size(), file_->labels(), file_->name());
    CompressedRows rows = options.rows(*file_, own);
    used_ = renumber(rows);
    rows_ = SparseRows<T>(std::move(rows), file_->name());
    const std::vector<std::uint32_t> class_of_rows = file_->class_of_rows(classes);
    for (const std::uint32_t r : own) class_of_.push_back(class_of_rows[r]);
    scores_.resize(classes_);
    factors_.resize(classes_);
  }

  tpc::Facts facts() const {
    return {.dim = features_ * classes_,
            .rows = rows_.size(),
            .blocks = {{classes_, features_}},
            .data_digest = data_digest_,
            .own_data = own_data_};
  }
  void start(std::span<T> x0) const { std::fill(x0.begin(), x0.end(), T{0}); }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool) {
    file_.reset();
    return over(AllRows(rows_.size()), x, gradient);
  }

  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) {
    over(rows, x, gradient);
  }

  void curvature(std::span<const double> v, std::span<double> out) const {
    for (std::size_t j = 0; j < v.size(); ++j) out[j] = lambda_ * v[j];
    const auto twice = 2 * static_cast<double>(rows_.size());
    std::vector<double> weights(used_.size()), sums(used_.size());
    for (std::uint32_t c = 0; c < classes_; ++c) {
      for (std::size_t u = 0; u < used_.size(); ++u) weights[u] = v[at(c, u)], sums[u] = 0;
      for (std::size_t r = 0; r < rows_.size(); ++r)
        rows_.add_row(r, rows_.dot(r, std::span<const double>(weights)) / twice, std::span<double>(sums));
      for (std::size_t u = 0; u < used_.size(); ++u) out[at(c, u)] += sums[u];
    }
  }

 private:
  /// Where X has class c and used feature u.
  std::size_t at(std::uint32_t c, std::size_t u) const { return std::size_t{c} * features_ + used_[u]; }

  /// weights_[u classes + c] <- X[c, used u]
  void gather(std::span<const T> x) {
    weights_.resize(used_.size() * classes_);
    for (std::uint32_t c = 0; c < classes_; ++c)
      for (std::size_t u = 0; u < used_.size(); ++u) weights_[u * classes_ + c] = x[at(c, u)];
  }

  /// gradient <- lambda X + sums_, which lie as weights_ do
  void scatter(std::span<const T> x, std::span<T> gradient) const {
    for (std::size_t j = 0; j < x.size(); ++j) gradient[j] = static_cast<T>(lambda_) * x[j];
    for (std::uint32_t c = 0; c < classes_; ++c)
      for (std::size_t u = 0; u < used_.size(); ++u) gradient[at(c, u)] += sums_[u * classes_ + c];
  }

  /// Leaves the softmax of row r's scores in scores_; returns the row's loss. No score can overflow: exp is taken of
  /// differences to the largest.
  double score(std::size_t r) {
    std::fill(scores_.begin(), scores_.end(), 0.0);
    rows_.for_each(r, [&](std::uint32_t u, T value) {
      const T* const weights = weights_.data() + std::size_t{u} * classes_;
      for (std::uint32_t c = 0; c < classes_; ++c) scores_[c] += double{value} * double{weights[c]};
    });
    const double largest = *std::max_element(scores_.begin(), scores_.end());
    const double own = scores_[class_of_[r]];
    double total = 0;
    for (double& s : scores_) total += s = std::exp(s - largest);
    for (double& s : scores_) s /= total;
    return std::log(total) + largest - own;
  }

  /// sums_ <- sums_ + (p - e_{y_r}) a_r' / count, with p in scores_
  void add_row(std::size_t r, double count) {
    scores_[class_of_[r]] -= 1;
    for (std::uint32_t c = 0; c < classes_; ++c) factors_[c] = static_cast<T>(scores_[c] / count);
    rows_.for_each(r, [&](std::uint32_t u, T value) {
      T* const sums = sums_.data() + std::size_t{u} * classes_;
      for (std::uint32_t c = 0; c < classes_; ++c) sums[c] += factors_[c] * value;
    });
  }

  /// f_i over the given rows, and its gradient unless that is empty.
  double over(auto rows, std::span<const T> x, std::span<T> gradient) {
    const auto count = static_cast<double>(rows.size());
    gather(x);
    sums_.assign(gradient.empty() ? 0 : weights_.size(), T{0});
    double loss = 0;
    for (const auto r : rows) {
      loss += score(r);
      if (!gradient.empty()) add_row(r, count);
    }
    if (!gradient.empty()) scatter(x, gradient);
    return loss / count + lambda_ / 2 * tpc::norm_sq(x);
  }

  std::shared_ptr<const LibsvmFile> file_;  // until the first evaluation: the process's other workers are made before
  std::uint32_t features_;
  std::uint64_t data_digest_;
  bool own_data_;
  std::uint32_t classes_ = 0;
  double lambda_;
  std::vector<std::uint32_t> used_;  // the features that occur in this shard, ascending
  SparseRows<T> rows_;               // over positions in used_
  std::vector<std::uint32_t> class_of_;
  std::vector<double> scores_;  // one a class
  std::vector<T> weights_, sums_, factors_;
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Softmax>);
