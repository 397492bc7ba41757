// What a worker is between two rounds, as it crosses the network and lies in checkpoints.
#pragma once

#include <cstdint>
#include <span>

#include "vector/bytes.hpp"
#include "vector/tracked_vector.hpp"

namespace threepc {

/// g_i, which the server can know, and the memory that only the worker has: the declared state of the mechanism's
/// plugins and, with momentum, v. The gradient at the last x follows from that x, so it is not part of it.
struct WorkerState {
  TrackedVector h;
  std::span<const std::uint8_t> memory;  // empty: zeros, and v starts anew from the gradient
};

/// Loan (u8), h, what is on loan, length of the memory (u64), memory.
void append(Bytes& out, const WorkerState& state);
/// From the front of `in`; the memory points into its bytes. Throws tpc::Error for malformed bytes.
WorkerState take_worker_state(tpc::Reader& in, tpc_dtype dtype, std::uint32_t dim);

}  // namespace threepc
