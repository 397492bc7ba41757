#include "plugin/optimizer.hpp"

#include "plugin/checked_calls.hpp"

namespace threepc {

Optimizer::Optimizer(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_optimizer>();
}

void Optimizer::step(const tpc_context& context, const void* g, void* x, void* const* state) const {
  checked(
      "step", [&](tpc_error* error) { return table<tpc_optimizer>().step(self_, &context, g, x, state, error); },
      &context);
}

}  // namespace threepc
