#include "network/spectrum.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <functional>
#include <vector>

namespace threepc {
namespace {

Eigen::MatrixXd dense(const MixingMatrix& matrix) {
  const std::uint32_t workers = matrix.graph().workers();
  Eigen::MatrixXd out = Eigen::MatrixXd::Zero(workers, workers);
  for (std::uint32_t i = 0; i < workers; ++i) {
    out(i, i) = matrix.own(i);
    for (std::size_t l = 0; l < matrix.to(i).size(); ++l) out(i, matrix.graph().to(i)[l].from) = matrix.to(i)[l];
  }
  return out;
}

}  // namespace

std::optional<double> second_eigenvalue(const MixingMatrix& matrix) {
  const std::uint32_t workers = matrix.graph().workers();
  if (workers > most_workers_with_spectrum) return std::nullopt;
  if (workers < 2) return 0.0;
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(dense(matrix), false);
  std::vector<double> moduli(workers);
  for (std::uint32_t i = 0; i < workers; ++i) moduli[i] = std::abs(solver.eigenvalues()(i));
  std::nth_element(moduli.begin(), moduli.begin() + 1, moduli.end(), std::greater<>());
  return std::min(1.0, moduli[1]);
}

}  // namespace threepc
