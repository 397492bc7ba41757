/* Methods of peers without a server, as optimizers: tpc_optimizer.extension(TPC_PEERS). A draft; what is under
 * threepc/draft may change or vanish with every version, and a change gets a new name.
 *
 * Worker i has an x_i, the optimizer's state vectors, and an instance of the optimizer of its own. In every round it
 * publishes some of these vectors, v_1, v_2, ...: through the run's mechanism, so that everybody who hears it knows
 * vh_1, vh_2, ..., and vh is near v. From what its in-neighbours and it have published, the host makes
 *
 *   delta_k = consensus * (sum_j w_ij vh_k of j - vh_k of i),    j over the in-neighbours and i itself,
 *
 * with weights w of [topology]. A round of a method that combines, then adapts (TPC_COMBINE_THEN_ADAPT):
 *   publish; mix(delta); g = grad f_i(x_i / y_i); adapt(g, delta)
 * and of one that adapts, then combines (TPC_ADAPT_THEN_COMBINE), where delta of adapt is NULL:
 *   g = grad f_i(x_i); adapt(g); publish; mix(delta)
 * y_i, the weight of push-sum, is 1 where the columns and the rows of w sum to 1; see `divides`. */
#ifndef THREEPC_DRAFT_PEERS_H
#define THREEPC_DRAFT_PEERS_H

#include <threepc/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TPC_PEERS "threepc.draft.peers/1"

typedef uint32_t tpc_sums;
enum {
  TPC_COLUMNS_SUM_TO_ONE = 1, /* sum_i w_ij = 1: mixing conserves sum_i v_i */
  TPC_ROWS_SUM_TO_ONE = 2     /* sum_j w_ij = 1: mixing leaves alone what is equal everywhere */
};

typedef uint32_t tpc_order;
enum { TPC_COMBINE_THEN_ADAPT = 1, TPC_ADAPT_THEN_COMBINE = 2 };

/* A vector that is published. */
typedef struct tpc_published {
  uint32_t vector; /* 0: x; k: state vector k - 1 */
  tpc_sums sums;   /* what w must do, where it cannot do both */
} tpc_published;

typedef struct tpc_peers {
  uint32_t struct_size;
  tpc_order order;
  uint32_t published_count; /* 1 to 8 */
  uint32_t divides;         /* 1: x is a numerator; the estimate, where gradients are taken, is x_i / y_i */
  const tpc_published* published;
  /* [instance] (optional) Before the first round of TPC_COMBINE_THEN_ADAPT, with the gradient at x^0. */
  tpc_status (*begin)(void* self, const tpc_context* context, const void* g, void* x, void* const* state,
                      tpc_error* error);
  /* [instance] x after what was published was mixed; delta[k] belongs to published[k]. */
  tpc_status (*mix)(void* self, const tpc_context* context, const void* const* delta, void* x, void* const* state,
                    tpc_error* error);
  /* [instance] x after the gradient g. context->stepsize as in tpc_optimizer.step. */
  tpc_status (*adapt)(void* self, const tpc_context* context, const void* g, const void* const* delta, void* x,
                      void* const* state, tpc_error* error);
} tpc_peers;

#ifdef __cplusplus
}
#endif

#endif
