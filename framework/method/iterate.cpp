#include "method/iterate.hpp"

#include "plugin/streams.hpp"

namespace threepc {

Iterate::Iterate(const PluginSpec& optimizer, const Membership& membership)
    : optimizer_(optimizer, membership, streams::optimizer),
      x_(membership.dtype, membership.dim),
      g_(x_),
      state_(optimizer.descriptor->state_vectors, x_) {}

void Iterate::step(std::uint64_t round, double stepsize) {
  std::vector<void*> state;
  for (RawVector& vector : state_) state.push_back(vector.data());
  optimizer_.step(optimizer_.context(round, TPC_SERVER, stepsize), g_.data(), x_.data(), state.data());
}

}  // namespace threepc
