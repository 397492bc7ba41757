// Sums over vectors.
#pragma once

#include <cstddef>

namespace threepc::kernels {

/// ||a - b||^2 (b null: ||a||^2) with the bits of tpc::distance_sq and tpc::norm_sq. Any thread.
double distance_sq(const float* a, const float* b, std::size_t size);
double distance_sq(const double* a, const double* b, std::size_t size);

}  // namespace threepc::kernels
