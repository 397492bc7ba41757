// Mechanisms as the host uses them.
#pragma once

#include <cstdint>
#include <threepc/sdk/plugin.hpp>
#include <vector>

#include "plugin/instance.hpp"

namespace threepc {

class Mechanism : public Instance {
 public:
  Mechanism(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  Mechanism(Mechanism&&) noexcept = default;

  /// Checked: A in (0, 1] and B >= 0, or both NaN.
  tpc::Constants constants(const std::vector<tpc::Constants>& children) const;
  void propose(const tpc_context& context, const tpc_points& points, tpc_program& program) const;
};

}  // namespace threepc
