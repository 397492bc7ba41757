// Topologies: a directed graph on the workers. A draft, as threepc/draft/topology.h is.
//
//   class Ring {
//    public:
//     static constexpr tpc::About about = {...};
//     static constexpr auto params = tpc::params();
//     Ring(const tpc::NoOptions&, const tpc::Setup& setup);   // setup.workers(), and setup.first_round() for
//     randomness std::vector<tpc::Link> links() const;
//   };
//   THREEPC_PLUGINS(tpc::topology<Ring>);
#pragma once

#include <threepc/draft/topology.h>

#include <threepc/sdk/plugin.hpp>
#include <vector>

namespace tpc {

/// What `from` publishes reaches `to`, which multiplies it by `weight`, in (0, 1]; none: the host decides.
struct Link {
  std::uint32_t from = 0, to = 0;
  double weight = none;
};

namespace detail {

template <class Impl>
struct TopologyTable {
  static tpc_status create(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error) noexcept {
    return guard(error, [&] { *self = new Impl(construct<Impl>(host, setup)); });
  }

  static tpc_status links(void* self, tpc_status (*add)(void*, std::uint32_t, std::uint32_t, double), void* sink,
                          tpc_error* error) noexcept {
    tpc_status status = TPC_OK;
    const tpc_status own = guard(error, [&] {
      for (const Link& link : static_cast<Impl*>(self)->links())
        if (status == TPC_OK) status = add(sink, link.from, link.to, link.weight);
    });
    return own == TPC_OK ? status : own;
  }

  static constexpr tpc_topology table = {
      .struct_size = sizeof(tpc_topology), .reserved = 0, .create = create, .destroy = destroy<Impl>, .links = links};
};

}  // namespace detail

template <class Impl>
inline constexpr tpc_descriptor topology = detail::describe<Impl>(TPC_TOPOLOGY, f32_and_f64,
                                                                  &detail::TopologyTable<Impl>::table);

}  // namespace tpc
