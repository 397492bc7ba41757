/* A kind of plugin: a directed graph on the workers, along which they send what they publish. A draft; what is under
 * threepc/draft may change or vanish with every version, and a change gets a new name or number.
 *
 * A topology is a function of its parameters, n and the run's seed, the same on every member: links() of equal setups
 * names equal links. tpc_setup.dim is 0, tpc_setup.worker is TPC_SERVER. */
#ifndef THREEPC_DRAFT_TOPOLOGY_H
#define THREEPC_DRAFT_TOPOLOGY_H

#include <threepc/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TPC_TOPOLOGY = 6 }; /* a tpc_kind */

typedef struct tpc_topology {
  uint32_t struct_size;
  uint32_t reserved;
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error); /* [any] */
  void (*destroy)(void* self);                                                                       /* [instance] */
  /* [instance] Calls add(sink, from, to, weight) once for each link, from != to, both below n, in any order. `weight`
   * is what `to` multiplies by what `from` has published, in (0, 1]; NaN: the host decides, and then for all links. A
   * status other than TPC_OK of add must be returned unchanged. */
  tpc_status (*links)(void* self, tpc_status (*add)(void* sink, uint32_t from, uint32_t to, double weight), void* sink,
                      tpc_error* error);
} tpc_topology;

#ifdef __cplusplus
}
#endif

#endif
