/* A kind of plugin: what the server makes of the workers' g_i in place of their mean. A draft; what is under
 * threepc/draft may change or vanish with every version, and a change gets a new name or number.
 *
 * A rule sees n rows of d numbers and makes one of them. It works on shards, runs of coordinates of all rows, which the
 * host cuts as it likes, and on scalars that are sums over all coordinates: norms, distances. A round:
 *   begin(n)
 *   while wants() > 0: partial(shard) for all shards; take(the sums of what they added)
 *   fuse(shard) for all shards
 * The host adds scalars over runs of 4096 coordinates, in order, whatever its shards: so their bits are the same
 * everywhere. partial and fuse must not change the instance, and fuse must not depend on where a shard begins. All
 * numbers are finite. tpc_setup.worker is TPC_SERVER. */
#ifndef THREEPC_DRAFT_AGGREGATOR_H
#define THREEPC_DRAFT_AGGREGATOR_H

#include <threepc/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TPC_AGGREGATOR = 7 }; /* a tpc_kind */

typedef struct tpc_aggregator {
  uint32_t struct_size;
  uint32_t reserved;
  tpc_status (*create)(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error); /* [any] */
  void (*destroy)(void* self);                                                                       /* [instance] */
  /* [instance] n >= 1, in a later round perhaps fewer than tpc_setup.workers. TPC_INVALID_ARGUMENT: too few. */
  tpc_status (*begin)(void* self, uint32_t n, tpc_error* error);
  /* [instance] How many scalars the next pass over the rows makes; 0: what is known suffices for fuse. */
  tpc_status (*wants)(void* self, uint64_t* scalars, tpc_error* error);
  /* [instance] scalars[k] += what these `count` coordinates contribute. */
  tpc_status (*partial)(void* self, const double* const* rows, size_t count, double* scalars, tpc_error* error);
  /* [instance] The sums over all coordinates. */
  tpc_status (*take)(void* self, const double* scalars, tpc_error* error);
  /* [instance] out[j] for these `count` coordinates. */
  tpc_status (*fuse)(void* self, const double* const* rows, size_t count, double* out, tpc_error* error);
} tpc_aggregator;

#ifdef __cplusplus
}
#endif

#endif
