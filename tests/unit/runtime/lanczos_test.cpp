#include "method/lanczos.hpp"

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>

namespace threepc {
namespace {

using Matrix = Eigen::MatrixXd;

double by_lanczos(const Matrix& h) {
  return largest_eigenvalue(
      static_cast<std::uint32_t>(h.rows()), [&](std::span<const double> v, std::span<double> out) {
        Eigen::Map<Eigen::VectorXd>(out.data(), h.rows()) = h * Eigen::Map<const Eigen::VectorXd>(v.data(), h.rows());
      });
}

double dense(const Matrix& h) {
  return Eigen::SelfAdjointEigenSolver<Matrix>(h, Eigen::EigenvaluesOnly).eigenvalues().tail(1)(0);
}

TEST(Lanczos, AgreesWithADenseSolverTo1e12) {
  std::srand(3);
  for (const int d : {1, 2, 3, 10, 68, 300}) {
    const Matrix a = Matrix::Random(d + 5, d);
    const Matrix h = a.transpose() * a / (d + 5);
    EXPECT_NEAR(by_lanczos(h) / dense(h), 1, 1e-12) << d;
  }
}

TEST(Lanczos, FindsAnEigenvalueThatIsHardlyTheLargest) {
  Eigen::VectorXd spectrum = Eigen::VectorXd::LinSpaced(200, 0.0, 1.0);
  spectrum(199) = spectrum(198) + 1e-6;
  const Matrix q = Eigen::HouseholderQR<Matrix>(Matrix::Random(200, 200)).householderQ();
  EXPECT_NEAR(by_lanczos(q * spectrum.asDiagonal() * q.transpose()), spectrum(199), 1e-12);
}

TEST(Lanczos, HandlesZeroAndTheIdentity) {
  EXPECT_EQ(by_lanczos(Matrix::Zero(5, 5)), 0);
  EXPECT_NEAR(by_lanczos(Matrix::Identity(5, 5)), 1, 1e-15);
}

TEST(Lanczos, BeyondAThousandDimensionsIsGoodTo1e6) {
  constexpr std::uint32_t d = 3000;
  const double value = largest_eigenvalue(d, [](std::span<const double> v, std::span<double> out) {
    for (std::uint32_t i = 0; i < d; ++i) out[i] = v[i] * (1 + std::sin(static_cast<double>(i)));
    out[17] = 2.5 * v[17];
  });
  EXPECT_NEAR(value, 2.5, 2.5e-6);
}

}  // namespace
}  // namespace threepc
