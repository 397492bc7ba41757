// Of a vector, the coordinates whose magnitude exceeds a bound; compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vector/kernels/select.cpp"
#include <hwy/foreach_target.h>
// After it, as Highway demands.
#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "vector/kernels/select.hpp"

HWY_BEFORE_NAMESPACE();
namespace threepc::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::uint32_t chunk = 64;  // coordinates; a bit each

/// Which coordinates of a chunk exceed `above`. Almost always none do, and that is found out without looking at which.
template <class T>
std::uint64_t exceeding(const T* a, const T* b, Magnitude<T> above) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto all_but_sign = hn::Set(di, std::numeric_limits<Magnitude<T>>::max());
  const auto bound = hn::Set(di, above);
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitudes = [&](std::size_t i) HWY_ATTR {
    auto v = hn::LoadU(d, a + i);
    if (b != nullptr) v = hn::Sub(v, hn::LoadU(d, b + i));
    return hn::And(hn::BitCast(di, v), all_but_sign);
  };
  auto largest = hn::Zero(di);
  for (std::size_t i = 0; i < chunk; i += lanes) largest = hn::Max(largest, magnitudes(i));
  if (HWY_LIKELY(hn::AllFalse(di, hn::Gt(largest, bound)))) return 0;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < chunk; i += lanes) {
    std::uint64_t some = 0;
    std::uint8_t bytes[sizeof some] = {};
    hn::StoreMaskBits(di, hn::Gt(magnitudes(i), bound), bytes);
    std::memcpy(&some, bytes, sizeof some);
    bits |= some << i;
  }
  return bits;
}

template <class T>
void collect_from(const T* a, const T* b, std::uint32_t dim, Magnitude<T> above, Candidates<T>& out) {
  std::uint32_t i = 0;
  for (; dim - i >= chunk; i += chunk) {
    std::uint64_t bits = exceeding(a + i, b == nullptr ? nullptr : b + i, above);
    for (; bits != 0; bits &= bits - 1) {
      const std::uint32_t at = i + static_cast<std::uint32_t>(std::countr_zero(bits));
      out.push(at, magnitude_bits(a, b, at));
    }
  }
  for (; i < dim; ++i)
    if (magnitude_bits(a, b, i) > above) out.push(i, magnitude_bits(a, b, i));
}

}  // namespace

void collect_f32(const float* a, const float* b, std::uint32_t dim, std::int32_t above, Candidates<float>& out) {
  collect_from(a, b, dim, above, out);
}
void collect_f64(const double* a, const double* b, std::uint32_t dim, std::int64_t above, Candidates<double>& out) {
  collect_from(a, b, dim, above, out);
}

}  // namespace threepc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace threepc::kernels {

HWY_EXPORT(collect_f32);
HWY_EXPORT(collect_f64);

void collect(const float* a, const float* b, std::uint32_t dim, std::int32_t above, Candidates<float>& out) {
  HWY_DYNAMIC_DISPATCH(collect_f32)(a, b, dim, above, out);
}
void collect(const double* a, const double* b, std::uint32_t dim, std::int64_t above, Candidates<double>& out) {
  HWY_DYNAMIC_DISPATCH(collect_f64)(a, b, dim, above, out);
}

}  // namespace threepc::kernels
#endif
