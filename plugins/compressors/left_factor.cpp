#include "left_factor.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

using Eigen::MatrixXd;

namespace {

MatrixXd orthonormal(const MatrixXd& columns) {
  const Eigen::HouseholderQR<MatrixXd> qr(columns);
  return qr.householderQ() * MatrixXd::Identity(columns.rows(), columns.cols());
}

/// Of a symmetric matrix; Eigen sorts eigenvalues upwards.
MatrixXd leading_eigenvectors(const MatrixXd& symmetric, Eigen::Index k) {
  return Eigen::SelfAdjointEigenSolver<MatrixXd>(symmetric).eigenvectors().rightCols(k).rowwise().reverse();
}

}  // namespace

MatrixXd power_step(const MatrixXd& m, const MatrixXd& q) { return orthonormal(m * q.colwise().normalized()); }

MatrixXd leading_left_vectors(const MatrixXd& m, Eigen::Index k) {
  if (m.rows() <= m.cols()) return leading_eigenvectors(m * m.transpose(), k);
  return orthonormal(m * leading_eigenvectors(m.transpose() * m, k));
}
