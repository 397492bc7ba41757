#include "wire/exact_vector.hpp"

#include <cmath>
#include <threepc/sdk/vectors.hpp>

namespace threepc {
namespace {

/// sum[i] -= factor * part[i], the product to twice the precision of double.
template <class T>
void subtract_product(double factor, const RawVector& part, const tpc_sum& from) {
  tpc::Sum<T, true> sum(from);
  const auto* values = static_cast<const T*>(part.data());
  for (std::uint32_t i = 0; i < sum.dim(); ++i) {
    const double value = values[i];
    if (value == 0) continue;
    const double product = -factor * value;
    const T high = static_cast<T>(product);
    sum.add(i, high);
    sum.add(i, static_cast<T>((product - high) + std::fma(-factor, value, -product)));
  }
}

}  // namespace

void subtract(double share, const ExactVector& part, ExactVector& from) {
  for (const RawVector* v : {&part.sum(), &part.error()}) {
    if (v->dtype() == TPC_F32)
      subtract_product<float>(share, *v, from.target());
    else
      subtract_product<double>(share, *v, from.target());
  }
}

}  // namespace threepc
