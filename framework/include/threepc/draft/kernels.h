/* Kernels of the host for plugins: a draft. What is under threepc/draft may change or vanish with every version, and a
 * change gets a new name, so that a plugin that was built for another draft is given NULL and does without.
 *
 *   const tpc_kernels* kernels = host->extension(TPC_KERNELS);   // NULL: this host has none
 *
 * All are compiled for several instruction sets, and the best for the processor is chosen when the program starts.
 * Results are the same bits on each of them, and those of the loops in threepc/sdk/vectors.hpp. [any] thread. */
#ifndef THREEPC_DRAFT_KERNELS_H
#define THREEPC_DRAFT_KERNELS_H

#include <threepc/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TPC_KERNELS "threepc.draft.kernels/1"

typedef struct tpc_kernels {
  uint32_t struct_size;
  uint32_t reserved;
  /* The indices of the k coordinates of a - b (b NULL: a) with the largest magnitudes, ascending; of two that are equal
   * the lower index is kept, and NaN is larger than infinity. k <= dim. About one pass over a and b, whatever they are.
   * `last` (may be NULL) remembers from call to call, 0 at first: it makes calls for vectors that resemble each other
   * faster, and changes nothing else. */
  void (*select_largest)(tpc_dtype dtype, const void* a, const void* b, uint32_t dim, uint32_t k, uint32_t* indices,
                         uint64_t* last);
  /* ||a - b||^2 (b NULL: ||a||^2) in double, in eight interleaved partial sums that are combined in a fixed order. */
  double (*distance_sq)(tpc_dtype dtype, const void* a, const void* b, uint64_t size);
} tpc_kernels;

#ifdef __cplusplus
}
#endif

#endif
