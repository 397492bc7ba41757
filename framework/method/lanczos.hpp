// The largest eigenvalue of a symmetric positive semidefinite operator that is only known by its products.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace threepc {

/// Largest eigenvalue of v -> H v on R^dim (dim >= 1), by Lanczos from a fixed start. Up to dim 1000 all basis
/// vectors are kept and reorthogonalised, and the relative error is near 1e-14; beyond, three vectors are kept
/// and it is below 1e-7 for spectra that let Lanczos converge within 1000 products. Throws what `apply` throws.
double largest_eigenvalue(std::uint32_t dim,
                          const std::function<void(std::span<const double>, std::span<double>)>& apply);

}  // namespace threepc
