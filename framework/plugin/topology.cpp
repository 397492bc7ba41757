#include "plugin/topology.hpp"

#include <new>

#include "plugin/checked_calls.hpp"

namespace threepc {

Topology::Topology(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_topology>();
}

std::vector<tpc::Link> Topology::links() const {
  std::vector<tpc::Link> out;
  const auto add = [](void* sink, std::uint32_t from, std::uint32_t to, double weight) -> tpc_status {
    try {
      static_cast<std::vector<tpc::Link>*>(sink)->push_back({from, to, weight});
      return TPC_OK;
    } catch (const std::bad_alloc&) {
      return TPC_NO_MEMORY;
    }
  };
  checked("links", [&](tpc_error* error) { return table<tpc_topology>().links(self_, add, &out, error); });
  return out;
}

}  // namespace threepc
