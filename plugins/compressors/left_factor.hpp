// Orthonormal left factors of a matrix, in double, apart from the plugin's templates: Eigen's decompositions take long
// to compile.
#pragma once

#include <Eigen/Core>

/// P of one step of the power iteration of m m^T: the columns of m q made orthonormal by Householder reflections,
/// whatever the rank. q has no column that is zero or not finite.
Eigen::MatrixXd power_step(const Eigen::MatrixXd& m, const Eigen::MatrixXd& q);

/// The k leading left singular vectors of m, k at most the smaller of its sizes. From the eigenvectors of the smaller
/// of m m^T and m^T m: what that loses, half of the digits of the small singular values, the leading ones do not feel.
Eigen::MatrixXd leading_left_vectors(const Eigen::MatrixXd& m, Eigen::Index k);
