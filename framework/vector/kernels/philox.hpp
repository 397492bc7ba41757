// Random words, many at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace threepc::kernels {

/// Philox4x32-10 (Salmon et al. 2011) with counters {first + i, counter[0], counter[1], counter[2]}: writes four words
/// for each i = 0 .. blocks - 1. Any thread.
void philox(std::array<std::uint32_t, 2> key, std::array<std::uint32_t, 3> counter, std::uint32_t first,
            std::size_t blocks, std::uint32_t* words);

}  // namespace threepc::kernels
