#include "method/lanczos.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <vector>

namespace threepc {
namespace {

constexpr std::uint32_t dense_limit = 1000;

struct Ritz {
  double value;     // theta, the largest eigenvalue of the tridiagonal matrix
  double residual;  // ||H u - theta u|| of its Ritz vector u: beta_k times the last entry of the eigenvector
};

Ritz largest_ritz(const std::vector<double>& alpha, const std::vector<double>& beta) {
  const auto k = static_cast<Eigen::Index>(alpha.size());
  const Eigen::Map<const Eigen::VectorXd> diagonal(alpha.data(), k);
  const Eigen::Map<const Eigen::VectorXd> below(beta.data(), k - 1);
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal, below, Eigen::ComputeEigenvectors);
  return {solver.eigenvalues()(k - 1), beta.back() * std::abs(solver.eigenvectors()(k - 1, k - 1))};
}

/// Fixed, dense, and with no symmetry that could make it orthogonal to a leading eigenvector.
Eigen::VectorXd start_vector(std::uint32_t dim) {
  Eigen::VectorXd v(dim);
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  for (double& entry : v) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    entry = 0.5 + static_cast<double>(state >> 11) * 0x1p-53;
  }
  return v.normalized();
}

}  // namespace

/// The three-term recurrence beta_k q_{k+1} = H q_k - alpha_k q_k - beta_{k-1} q_{k-1} (Golub and Van Loan,
/// Section 10.1). An eigenvalue lies within the residual of theta, and theta's own error is of the order of
/// its square. The Ritz values are looked at in steps that grow, because each look costs O(k^3).
double largest_eigenvalue(std::uint32_t dim,
                          const std::function<void(std::span<const double>, std::span<double>)>& apply) {
  const bool keep_basis = dim <= dense_limit;
  const double tolerance = keep_basis ? 1e-13 : 1e-8;
  const std::uint32_t most_steps = std::min(dim, dense_limit);

  std::vector<Eigen::VectorXd> basis = {start_vector(dim)};
  std::vector<double> alpha, beta;
  Eigen::VectorXd w(dim);
  std::uint32_t next_look = 4;
  for (std::uint32_t step = 1;; ++step) {
    const Eigen::VectorXd& q = basis.back();
    apply({q.data(), dim}, {w.data(), dim});
    alpha.push_back(q.dot(w));
    w -= alpha.back() * q;
    if (basis.size() > 1) w -= beta.back() * basis[basis.size() - 2];
    if (keep_basis)
      for (int pass = 0; pass < 2; ++pass)  // twice is enough (Kahan and Parlett)
        for (const Eigen::VectorXd& earlier : basis) w -= earlier.dot(w) * earlier;
    beta.push_back(w.norm());

    const bool exhausted = step == most_steps || beta.back() <= 1e-15 * std::abs(alpha.front());
    if (exhausted || step == next_look) {
      const Ritz ritz = largest_ritz(alpha, beta);
      if (exhausted || ritz.residual <= tolerance * std::abs(ritz.value)) return ritz.value;
      next_look = step + std::max(2u, step / 4);
    }
    basis.push_back(w / beta.back());
    if (!keep_basis && basis.size() > 2) basis.erase(basis.begin());
  }
}

}  // namespace threepc
