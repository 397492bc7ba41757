// Topologies as the host uses them.
#pragma once

#include <cstdint>
#include <threepc/sdk/topology.hpp>
#include <vector>

#include "plugin/instance.hpp"

namespace threepc {

class Topology : public Instance {
 public:
  Topology(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);
  /// As the plugin names them, not checked.
  std::vector<tpc::Link> links() const;
};

}  // namespace threepc
