// Squared distances in eight lanes; compiled once for each instruction set, with the same bits from each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vector/kernels/sums.cpp"
#include <hwy/foreach_target.h>
// After it, as Highway demands.
#include <hwy/highway.h>

#include <cstddef>

#include "vector/kernels/sums.hpp"

HWY_BEFORE_NAMESPACE();
namespace threepc::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t lanes = 8;  // of the sum, whatever the processor's vectors hold

using Wide = hn::CappedTag<double, lanes>;

HWY_INLINE auto load(Wide d, const double* v) { return hn::LoadU(d, v); }
HWY_INLINE auto load(Wide d, const float* v) { return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Wide>(), v)); }

template <class T>
HWY_INLINE auto term(Wide d, const T* a, const T* b) {
  const auto v = b == nullptr ? load(d, a) : hn::Sub(load(d, a), load(d, b));
  return hn::Mul(v, v);
}

/// Product and sum are rounded each, as without FMA.
template <class T>
double distance_sq_of(const T* a, const T* b, std::size_t size) {
  const Wide d;
  const std::size_t step = hn::Lanes(d);
  HWY_ALIGN double partial[lanes] = {};
  std::size_t i = 0;
  auto p0 = hn::Zero(d), p1 = p0, p2 = p0, p3 = p0;  // as many as the narrowest vectors need for eight lanes
  for (; step > 1 && size - i >= lanes; i += lanes) {
    const auto at = [&](std::size_t j) HWY_ATTR { return term(d, a + i + j, b == nullptr ? nullptr : b + i + j); };
    p0 = hn::Add(p0, at(0));
    if (step < 8) p1 = hn::Add(p1, at(step));
    if (step < 4) p2 = hn::Add(p2, at(2 * step)), p3 = hn::Add(p3, at(3 * step));
  }
  hn::Store(p0, d, partial);  // zeros where there are no vectors
  if (step < 8) hn::Store(p1, d, partial + step);
  if (step < 4) hn::Store(p2, d, partial + 2 * step), hn::Store(p3, d, partial + 3 * step);
  for (; i < size; ++i) {
    const double v = b == nullptr ? double{a[i]} : double{a[i]} - double{b[i]};
    partial[i % lanes] += v * v;
  }
  return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
         ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

}  // namespace

double distance_sq_f32(const float* a, const float* b, std::size_t size) { return distance_sq_of(a, b, size); }
double distance_sq_f64(const double* a, const double* b, std::size_t size) { return distance_sq_of(a, b, size); }

}  // namespace threepc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace threepc::kernels {

HWY_EXPORT(distance_sq_f32);
HWY_EXPORT(distance_sq_f64);

double distance_sq(const float* a, const float* b, std::size_t size) {
  return HWY_DYNAMIC_DISPATCH(distance_sq_f32)(a, b, size);
}
double distance_sq(const double* a, const double* b, std::size_t size) {
  return HWY_DYNAMIC_DISPATCH(distance_sq_f64)(a, b, size);
}

}  // namespace threepc::kernels
#endif
