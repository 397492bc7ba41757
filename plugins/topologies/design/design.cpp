#include "design.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

namespace design {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;
using Candidates = std::span<const Candidate>;

constexpr double growth = 15;         // of the sum's share, from one centre to the next
constexpr int centres = 7;            // the last one's sum is within growth^-6 = 9e-8 of the least
constexpr double centred = 1e-3;      // Newton decrement
constexpr double newtons_own = 0.25;  // Newton decrement below which a whole step is known to be good
constexpr int most_steps = 100;       // towards one centre; ten are usual
constexpr int most_halvings = 40;     // of a step

/// Eigen cuts its sums to the size of the processor's caches. Told one size, it gives the same bits on all.
void fix_block_sizes() {
  [[maybe_unused]] static const bool once = [] {
    Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20);
    return true;
  }();
}

/// C - 11'/n.
MatrixXd deviation(std::uint32_t workers, Candidates candidates, const VectorXd& w) {
  MatrixXd out = MatrixXd::Identity(workers, workers) - MatrixXd::Constant(workers, workers, 1.0 / workers);
  for (std::size_t e = 0; e < candidates.size(); ++e) {
    const auto u = static_cast<Index>(candidates[e].u), v = static_cast<Index>(candidates[e].v);
    const double weight = w[static_cast<Index>(e)];
    out(u, u) -= weight, out(v, v) -= weight;
    out(u, v) += weight, out(v, u) += weight;
  }
  return out;
}

/// M with the b_e: columns M b_e.
MatrixXd along(const MatrixXd& m, Candidates candidates) {
  MatrixXd out(m.rows(), static_cast<Index>(candidates.size()));
  for (Index e = 0; e < out.cols(); ++e)
    out.col(e) = m.col(candidates[static_cast<std::size_t>(e)].u) - m.col(candidates[static_cast<std::size_t>(e)].v);
  return out;
}

/// -log det of one of s I - (C - 11'/n) and s I + (C - 11'/n), and its derivatives by w and s: with P its inverse and
/// `sign` how it grows with w,
///   by w_e: -sign b_e' P b_e   by s: -tr P   twice: (b_e' P b_f)^2, sign |P b_e|^2, |P|^2.
class Side {
 public:
  Side(const MatrixXd& matrix, double sign) : factor_(matrix), sign_(sign) {}
  bool inside() const { return factor_.info() == Eigen::Success; }
  double value() const { return -2 * factor_.matrixLLT().diagonal().array().log().sum(); }

  void add_derivatives(Candidates candidates, VectorXd& gradient, MatrixXd& hessian) const {
    const MatrixXd p = factor_.solve(MatrixXd::Identity(factor_.rows(), factor_.cols())), pb = along(p, candidates),
                   bpb = along(pb.transpose(), candidates);
    const Index m = pb.cols();
    gradient.head(m) -= sign_ * bpb.diagonal();
    gradient[m] -= p.trace();
    hessian.topLeftCorner(m, m).array() += bpb.array().square();
    hessian.col(m).head(m) += sign_ * pb.colwise().squaredNorm().transpose();
    hessian(m, m) += p.squaredNorm();
  }

 private:
  Eigen::LLT<MatrixXd> factor_;
  double sign_;
};

/// Points are w and, last, s. The barrier is infinite outside and on the border of what is allowed.
class Barrier {
 public:
  Barrier(std::uint32_t workers, Candidates candidates)
      : workers_(workers), candidates_(candidates), size_(static_cast<Index>(candidates.size()) + 1) {}

  /// Of a self-concordant barrier: the sum at the centre of share t is within parameter() / t of the least.
  double parameter() const { return 3.0 * workers_ + static_cast<double>(candidates_.size()); }

  /// price' w + s.
  VectorXd objective() const {
    VectorXd out = VectorXd::Ones(size_);
    for (Index e = 0; e + 1 < size_; ++e) out[e] = at(e).price;
    return out;
  }

  /// Each worker gives its links equal parts of what it may give beyond the least, and a part to itself.
  VectorXd start() const {
    const VectorXd lowest = VectorXd::NullaryExpr(size_, [&](Index e) { return e + 1 < size_ ? at(e).least : 2; });
    VectorXd part = kept(lowest), out = lowest;
    std::vector<int> parts(workers_, 1);
    for (const Candidate& one : candidates_) ++parts[one.u], ++parts[one.v];
    for (Index k = 0; k < part.size(); ++k) part[k] /= parts[static_cast<std::size_t>(k)];
    for (Index e = 0; e + 1 < size_; ++e) out[e] += std::min(part[at(e).u], part[at(e).v]);
    return out;
  }

  double value(const VectorXd& point) const {
    const VectorXd kept = this->kept(point), above = this->above(point);
    const Side upper = this->upper(point), lower = this->lower(point);
    if (kept.minCoeff() <= 0 || (above.array() <= 0).any() || !upper.inside() || !lower.inside())
      return std::numeric_limits<double>::infinity();
    return upper.value() + lower.value() - kept.array().log().sum() - above.array().log().sum();
  }

  void derivatives(const VectorXd& point, VectorXd& gradient, MatrixXd& hessian) const {
    gradient = VectorXd::Zero(size_);
    hessian = MatrixXd::Zero(size_, size_);
    upper(point).add_derivatives(candidates_, gradient, hessian);
    lower(point).add_derivatives(candidates_, gradient, hessian);
    add_bounds(point, gradient, hessian);
    hessian.row(size_ - 1) = hessian.col(size_ - 1).transpose();
  }

 private:
  const Candidate& at(Index e) const { return candidates_[static_cast<std::size_t>(e)]; }

  MatrixXd deviation_of(const VectorXd& point) const { return deviation(workers_, candidates_, point); }
  MatrixXd norm_of(const VectorXd& point) const { return point[size_ - 1] * MatrixXd::Identity(workers_, workers_); }
  Side upper(const VectorXd& point) const { return {norm_of(point) - deviation_of(point), 1}; }
  Side lower(const VectorXd& point) const { return {norm_of(point) + deviation_of(point), -1}; }

  /// What workers keep beyond least_own.
  VectorXd kept(const VectorXd& point) const {
    VectorXd out = VectorXd::Constant(workers_, 1 - least_own);
    for (Index e = 0; e + 1 < size_; ++e) out[at(e).u] -= point[e], out[at(e).v] -= point[e];
    return out;
  }
  /// What links have beyond their least.
  VectorXd above(const VectorXd& point) const {
    return VectorXd::NullaryExpr(size_ - 1, [&](Index e) { return point[e] - at(e).least; });
  }

  void add_bounds(const VectorXd& point, VectorXd& gradient, MatrixXd& hessian) const {
    const VectorXd kept = this->kept(point).cwiseInverse(), above = this->above(point).cwiseInverse();
    std::vector<std::vector<Index>> of(workers_);
    for (Index e = 0; e + 1 < size_; ++e) {
      gradient[e] += kept[at(e).u] + kept[at(e).v] - above[e];
      hessian(e, e) += above[e] * above[e];
      of[at(e).u].push_back(e), of[at(e).v].push_back(e);
    }
    for (Index k = 0; k < kept.size(); ++k)
      for (const Index e : of[static_cast<std::size_t>(k)])
        for (const Index f : of[static_cast<std::size_t>(k)]) hessian(e, f) += kept[k] * kept[k];
  }

  std::uint32_t workers_;
  Candidates candidates_;
  Index size_;
};

/// Newton's method towards the minimum of share * objective + barrier, from a point inside.
class Centring {
 public:
  Centring(const Barrier& barrier, VectorXd& point)
      : barrier_(barrier), objective_(barrier.objective()), point_(point) {}

  void run(double share) {
    for (int i = 0; i < most_steps; ++i) {
      barrier_.derivatives(point_, gradient_, hessian_);
      gradient_ += share * objective_;
      const VectorXd step = -hessian_.llt().solve(gradient_);
      const double slope = gradient_.dot(step);  // minus the square of the decrement
      if (!(slope < -centred * centred)) return;
      if (!walk(step, slope, share)) return;
    }
  }

 private:
  /// The sum's part of the change is taken of the step alone: of large shares the sums themselves differ by rounding.
  bool walk(const VectorXd& step, double slope, double share) {
    const double before = barrier_.value(point_), along = share * objective_.dot(step);
    double part = 1;
    const bool whole = slope > -newtons_own * newtons_own;
    for (int halvings = 0; halvings < most_halvings; ++halvings, part /= 2) {
      const VectorXd next = point_ + part * step;
      const double after = barrier_.value(next);
      if (!std::isfinite(after) || (!whole && part * along + after - before > 0.1 * part * slope)) continue;
      point_ = next;
      return true;
    }
    return false;  // no better point can be told from this one
  }

  const Barrier& barrier_;
  VectorXd objective_;
  VectorXd& point_;
  VectorXd gradient_;
  MatrixXd hessian_;
};

}  // namespace

std::vector<double> weights(std::uint32_t workers, std::span<const Candidate> candidates) {
  if (candidates.empty()) return {};
  fix_block_sizes();
  const Barrier barrier(workers, candidates);
  VectorXd point = barrier.start();
  Centring centring(barrier, point);
  double share = barrier.parameter();
  for (int centre = 0; centre < centres; ++centre, share *= growth) centring.run(share);
  return {point.begin(), point.end() - 1};
}

double spread(std::uint32_t workers, std::span<const Candidate> candidates, std::span<const double> weights) {
  fix_block_sizes();
  const VectorXd w = Eigen::Map<const VectorXd>(weights.data(), static_cast<Index>(weights.size()));
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(deviation(workers, candidates, w), Eigen::EigenvaluesOnly);
  return solver.eigenvalues().cwiseAbs().maxCoeff();
}

}  // namespace design
