#include "wire/exact_vector.hpp"

#include <cmath>
#include <threepc/sdk/vectors.hpp>

namespace threepc {
namespace {

/// sum[i] -= factor * part[i], the product to twice the precision of double; S is the sum's type.
template <class T, class S>
void subtract_product(double factor, const RawVector& part, const tpc_sum& from) {
  tpc::Sum<S, true> sum(from);
  const auto* values = static_cast<const T*>(part.data());
  for (std::uint32_t i = 0; i < sum.dim(); ++i) {
    const double value = values[i];
    if (value == 0) continue;
    const double product = -factor * value;
    const S high = static_cast<S>(product);
    sum.add(i, high);
    sum.add(i, static_cast<S>((product - high) + std::fma(-factor, value, -product)));
  }
}

}  // namespace

void subtract(double share, const ExactVector& part, ExactVector& from) {
  const tpc_sum target = from.target();
  for (const RawVector* v : {&part.sum(), &part.error()}) {
    if (v->dtype() == TPC_F64)
      subtract_product<double, double>(share, *v, target);
    else if (target.dtype == TPC_F64)
      subtract_product<float, double>(share, *v, target);
    else
      subtract_product<float, float>(share, *v, target);
  }
}

}  // namespace threepc
