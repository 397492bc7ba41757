/* Problems whose workers say something to each other before a gradient is known, as the parts of a graph network do:
 * tpc_problem.extension(TPC_EXCHANGE). A draft; what is under threepc/draft may change or vanish with every version,
 * and a change gets a new name.
 *
 * An evaluation at x is `exchanges` + 1 calls of stage, 0 to `exchanges`, on every worker. Between two of them the host
 * carries what each worker has for its peers to them: a parcel for each peer, which may be empty. The last call gives
 * f_i and g_i, whose means over the workers are f and grad f; g_i need not be the gradient of f_i alone, since f_j
 * depends on the x of worker i where they are peers. A call never waits. The host may play the stages of an evaluation
 * again, with the same parcels, and then expects the same bits. */
#ifndef THREEPC_DRAFT_EXCHANGE_H
#define THREEPC_DRAFT_EXCHANGE_H

#include <threepc/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TPC_EXCHANGE "threepc.draft.exchange/1"

typedef struct tpc_parcel {
  const uint8_t* data;
  uint64_t size; /* bytes */
} tpc_parcel;

typedef struct tpc_exchange {
  uint32_t struct_size;
  uint32_t exchanges; /* 1 to 64 */
  /* [instance] The workers that this one says something to, which say something to it, too: ascending, without itself,
   * perhaps none. `longest`: at most so many bytes leave a worker, or reach it, in one exchange; the same on every
   * worker. Both the same after every call; the list is the instance's. */
  tpc_status (*peers)(void* self, const uint32_t** peers, uint32_t* count, uint64_t* longest, tpc_error* error);
  /* [instance] in[k] is what peers[k] said in the stage before, and of any size, since it comes from another process;
   * NULL in stage 0. out[k] is to be filled with what peers[k] is told, in the instance's memory until the next call;
   * NULL in the last stage, where alone `value` and `gradient` (dim values) are to be filled, and are not NULL. */
  tpc_status (*stage)(void* self, const tpc_context* context, uint32_t stage, const void* x, const tpc_parcel* in,
                      tpc_parcel* out, double* value, void* gradient, tpc_error* error);
} tpc_exchange;

#ifdef __cplusplus
}
#endif

#endif
