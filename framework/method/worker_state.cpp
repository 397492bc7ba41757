#include "method/worker_state.hpp"

namespace threepc {

void append(Bytes& out, const WorkerState& state) {
  append(out, static_cast<std::uint8_t>(state.h.lent().has_value()));
  append(out, static_cast<const ExactVector&>(state.h));
  if (state.h.lent()) append(out, *state.h.lent());
  append(out, std::uint64_t{state.memory.size()});
  out.insert(out.end(), state.memory.begin(), state.memory.end());
}

WorkerState take_worker_state(tpc::Reader& in, tpc_dtype dtype, std::uint32_t dim) {
  const bool lends = in.get<std::uint8_t>() != 0;
  if (in.remaining() / 2 / size_of(dtype) < dim) throw tpc::Corrupt("a worker's state ends within its g_i");
  WorkerState state{TrackedVector(dtype, dim), {}};
  take(in, static_cast<ExactVector&>(state.h));
  if (lends) take(in, state.h.loan());
  state.memory = in.take_span(in.get<std::uint64_t>());
  return state;
}

}  // namespace threepc
