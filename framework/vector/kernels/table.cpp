#include "vector/kernels/table.hpp"

#include "vector/dispatch.hpp"
#include "vector/kernels/select.hpp"
#include "vector/kernels/sums.hpp"

namespace threepc::kernels {
namespace {

void select_any(tpc_dtype dtype, const void* a, const void* b, std::uint32_t dim, std::uint32_t k,
                std::uint32_t* indices, std::uint64_t* last) {
  with_type_of(dtype, [&]<class T>() {
    select_largest(static_cast<const T*>(a), static_cast<const T*>(b), dim, k, indices, last);
  });
}

double distance_sq_any(tpc_dtype dtype, const void* a, const void* b, std::uint64_t size) {
  return with_type_of(dtype,
                      [&]<class T>() { return distance_sq(static_cast<const T*>(a), static_cast<const T*>(b), size); });
}

}  // namespace

const tpc_kernels& table() {
  static constexpr tpc_kernels kernels = {sizeof(tpc_kernels), 0, select_any, distance_sq_any};
  return kernels;
}

}  // namespace threepc::kernels
