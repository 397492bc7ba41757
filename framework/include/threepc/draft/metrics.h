/* What a problem measures beside f, under names: tpc_problem.extension(TPC_METRICS). A draft; what is under
 * threepc/draft may change or vanish with every version, and a change gets a new name.
 *
 * The host reports the mean over all workers: sum_i sums[k] / sum_i weights[k], of an accuracy the correct among so
 * many. */
#ifndef THREEPC_DRAFT_METRICS_H
#define THREEPC_DRAFT_METRICS_H

#include <threepc/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TPC_METRICS "threepc.draft.metrics/1"

typedef struct tpc_metrics {
  uint32_t struct_size;
  uint32_t count;           /* 1 to 32 */
  const char* const* names; /* of lower-case letters, digits and _, each once */
  /* [instance] Of the last evaluation that gave a value; weights are finite and >= 0, 0 where a worker has nothing to
   * say. */
  tpc_status (*read)(void* self, double* sums, double* weights, tpc_error* error);
} tpc_metrics;

#ifdef __cplusplus
}
#endif

#endif
