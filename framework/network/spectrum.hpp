// How fast mixing brings workers together.
#pragma once

#include <optional>

#include "network/mixing.hpp"

namespace threepc {

/// Above, second_eigenvalue() has no answer: the eigenvalues of a dense matrix take time O(workers^3).
inline constexpr std::uint32_t most_workers_with_spectrum = 1000;

/// The second largest modulus of an eigenvalue of W, in [0, 1]: a round of mixing without compression, consensus = 1,
/// brings the workers nearer to their mean by that factor, in the long run. 0 for one worker.
std::optional<double> second_eigenvalue(const MixingMatrix& matrix);

}  // namespace threepc
