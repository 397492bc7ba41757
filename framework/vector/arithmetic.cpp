#include "vector/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/vectors.hpp>

#include "vector/dispatch.hpp"
#include "vector/kernels/sums.hpp"

namespace threepc {
namespace {

template <class T>
std::span<const T> values_of(const RawVector& v) {
  return {static_cast<const T*>(v.data()), v.dim()};
}
template <class T>
std::span<T> values_of(RawVector& v) {
  return {static_cast<T*>(v.data()), v.dim()};
}

template <class T, class Sum>
void add_payload(std::span<const std::uint8_t> payload, Sum sum) {
  tpc::Reader in(payload.data(), payload.size());
  const auto values = in.take<T>(sum.dim());
  in.finish();
  sum.add_run(0, sum.dim(), [&](std::size_t i) { return values[i]; });
}

/// sum[i] -= factor * part[i], the product to twice the precision of double; S is the sum's type.
template <class T, class S>
void subtract_product(double factor, const RawVector& part, const tpc_sum& from) {
  tpc::Sum<S, true> sum(from);
  const auto values = values_of<T>(part);
  for (std::uint32_t i = 0; i < sum.dim(); ++i) {
    const double value = values[i];
    if (value == 0) continue;
    const double product = -factor * value;
    const S high = static_cast<S>(product);
    sum.add(i, high);
    sum.add(i, static_cast<S>((product - high) + std::fma(-factor, value, -product)));
  }
}

/// body.operator()<T, S>(): values of one dtype go into a sum of the same, or of f64.
template <class Body>
void with_types_of(tpc_dtype values, tpc_dtype sum, Body&& body) {
  with_type_of(values, [&]<class T>() {
    if (sum == TPC_F64)
      body.template operator()<T, double>();
    else
      body.template operator()<T, T>();
  });
}

}  // namespace

double norm_sq(const RawVector& v) {
  return with_type_of(v.dtype(),
                      [&]<class T>() { return kernels::distance_sq(values_of<T>(v).data(), nullptr, v.dim()); });
}

double distance_sq(tpc_dtype dtype, std::uint32_t dim, const void* a, const void* b) {
  return with_type_of(
      dtype, [&]<class T>() { return kernels::distance_sq(static_cast<const T*>(a), static_cast<const T*>(b), dim); });
}

double distance_sq(const RawVector& v, std::span<const double> w) {
  return with_type_of(v.dtype(), [&]<class T>() {
    const auto values = values_of<T>(v);
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i) sum += (values[i] - w[i]) * (values[i] - w[i]);
    return sum;
  });
}

double largest_magnitude(const RawVector& v) {
  return with_type_of(v.dtype(), [&]<class T>() {
    double largest = 0;
    for (const T value : values_of<T>(v))
      largest =
          std::isfinite(value) ? std::max(largest, std::abs(double{value})) : std::numeric_limits<double>::infinity();
    return largest;
  });
}

bool all_finite(tpc_dtype dtype, const std::uint8_t* bytes, std::size_t count) {
  return with_type_of(dtype, [&]<class T>() {
    const tpc::Values<T> values(bytes);
    double nan_or_zero = 0;  // v * 0 is NaN for a NaN and an infinite v, 0 otherwise
    for (std::size_t i = 0; i < count; ++i) nan_or_zero += values[i] * 0.0;
    return nan_or_zero == 0;
  });
}

void subtract(const void* a, const void* b, RawVector& out) {
  with_type_of(out.dtype(), [&]<class T>() {
    const tpc::Difference<T> difference(static_cast<const T*>(a), static_cast<const T*>(b), out.dim());
    difference.copy_to(values_of<T>(out));
  });
}

void append_difference(tpc_dtype dtype, std::uint32_t dim, const void* a, const void* b, Bytes& out) {
  const std::size_t begin = out.size();
  out.resize(begin + dim * size_of(dtype));
  with_type_of(dtype, [&]<class T>() {
    const auto *left = static_cast<const T*>(a), *right = static_cast<const T*>(b);
    for (std::size_t i = 0; i < dim; ++i) {
      const T value = right == nullptr ? left[i] : left[i] - right[i];
      std::memcpy(out.data() + begin + i * sizeof(T), &value, sizeof(T));
    }
  });
}

void average(double share, const RawVector& before, RawVector& now) {
  with_type_of(now.dtype(), [&]<class T>() {
    const T part = static_cast<T>(share);
    const auto old = values_of<T>(before);
    const auto out = values_of<T>(now);
    for (std::uint32_t i = 0; i < now.dim(); ++i) out[i] = (1 - part) * old[i] + part * out[i];
  });
}

/// As in a compressor's accumulate: without an error vector, additions round.
void add_values(tpc_dtype dtype, std::span<const std::uint8_t> payload, const tpc_sum& target) {
  with_types_of(dtype, target.dtype, [&]<class T, class S>() {
    if (target.error == nullptr)
      add_payload<T>(payload, tpc::Sum<S, false>(target));
    else
      add_payload<T>(payload, tpc::Sum<S, true>(target));
  });
}

void add_values(tpc_dtype dtype, const std::uint8_t* bytes, std::span<double> sum) {
  with_type_of(dtype, [&]<class T>() {
    const tpc::Values<T> values(bytes);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
  });
}

void add_scaled(double scale, const RawVector& v, std::span<double> sum) {
  with_type_of(v.dtype(), [&]<class T>() {
    const auto values = values_of<T>(v);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += scale * values[i];
  });
}

void round_scaled(double scale, std::span<const double> v, RawVector& out) {
  with_type_of(out.dtype(), [&]<class T>() {
    const auto values = values_of<T>(out);
    for (std::size_t i = 0; i < v.size(); ++i) values[i] = static_cast<T>(scale * v[i]);
  });
}

bool divide(const ExactVector& sum, double divisor, RawVector& out) {
  const auto* high = static_cast<const double*>(sum.sum().data());
  const auto* low = static_cast<const double*>(sum.error().data());
  return with_type_of(out.dtype(), [&]<class T>() {
    double nan_or_zero = 0;
    const auto values = values_of<T>(out);
    for (std::uint32_t i = 0; i < out.dim(); ++i) {
      values[i] = static_cast<T>((high[i] + low[i]) / divisor);
      nan_or_zero += values[i] * 0.0;
    }
    return nan_or_zero == 0;
  });
}

void subtract(double share, const ExactVector& part, ExactVector& from) {
  const tpc_sum target = from.target();
  for (const RawVector* v : {&part.sum(), &part.error()})
    with_types_of(v->dtype(), target.dtype, [&]<class T, class S>() { subtract_product<T, S>(share, *v, target); });
}

}  // namespace threepc
