// Optimizers as the host uses them.
#pragma once

#include <cstdint>

#include "plugin/instance.hpp"

namespace threepc {

class Optimizer : public Instance {
 public:
  Optimizer(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  void step(const tpc_context& context, const void* g, void* x, void* const* state) const;
};

}  // namespace threepc
