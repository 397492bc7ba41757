// What a message would achieve, for the mechanisms that choose between several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

/// ||b + C_slot(x - b) - x||^2 with the random numbers that an add or a reset to the same slot would draw; nothing is
/// sent. `scratch` holds d values.
template <class T>
double error_of(std::uint32_t slot, std::span<const T> b, std::span<const T> x, tpc::Program<T>& program,
                std::vector<T>& scratch) {
  program.preview(slot, x, b, scratch);
  for (std::size_t j = 0; j < scratch.size(); ++j) scratch[j] += b[j];
  return tpc::distance_sq<T>(scratch, x);
}
