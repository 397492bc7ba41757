// The host's kernels where it offers some, and the loops that they agree with bit for bit where it does not.
#pragma once

#include <threepc/draft/kernels.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <threepc/sdk/vectors.hpp>
#include <type_traits>
#include <vector>

namespace tpc {
namespace detail {

/// One for each library; the host that made the first instance is the only one of the process.
inline std::atomic<const tpc_kernels*> host_kernels{nullptr};

inline void find_kernels(const tpc_host& host) noexcept {
  const bool knows = host.struct_size > offsetof(tpc_host, extension);
  const void* const found = knows && host.extension != nullptr ? host.extension(TPC_KERNELS) : nullptr;
  if (found != nullptr) host_kernels.store(static_cast<const tpc_kernels*>(found), std::memory_order_relaxed);
}

inline const tpc_kernels* kernels() noexcept { return host_kernels.load(std::memory_order_relaxed); }

template <class T>
inline constexpr tpc_dtype dtype_of = sizeof(T) == sizeof(float) ? TPC_F32 : TPC_F64;

/// The order of select_largest, without it.
template <class T>
void select_by_sorting(const Difference<T>& v, std::span<std::uint32_t> indices) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::vector<std::uint32_t> order(v.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  const auto magnitude = [&](std::uint32_t i) {
    return std::bit_cast<Bits>(v[i]) & std::numeric_limits<Bits>::max() / 2;
  };
  const auto first = [&](std::uint32_t i, std::uint32_t j) {
    return magnitude(i) != magnitude(j) ? magnitude(i) > magnitude(j) : i < j;
  };
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(indices.size());
  if (end != order.end()) std::nth_element(order.begin(), end, order.end(), first);
  std::sort(order.begin(), end);
  std::copy(order.begin(), end, indices.begin());
}

}  // namespace detail

/// Fills `indices`, at most v.size(), with the coordinates of v of the largest magnitudes, ascending; of two that are
/// equal the lower one is kept, and NaN is larger than infinity. `last`, 0 at first, makes calls for vectors that
/// resemble each other faster, and changes nothing else.
template <class T>
void select_largest(const Difference<T>& v, std::span<std::uint32_t> indices, std::uint64_t* last = nullptr) {
  const auto dim = static_cast<std::uint32_t>(v.size()), k = static_cast<std::uint32_t>(indices.size());
  if (const tpc_kernels* const host = detail::kernels())
    host->select_largest(detail::dtype_of<T>, v.minuend(), v.subtrahend(), dim, k, indices.data(), last);
  else
    detail::select_by_sorting(v, indices);
}

/// ||v||^2, in double.
template <class T>
double norm_sq(std::span<const T> v) {
  if (const tpc_kernels* const host = detail::kernels())
    return host->distance_sq(detail::dtype_of<T>, v.data(), nullptr, v.size());
  return detail::lane_sum(v.size(), [&](std::size_t i) { return double{v[i]} * double{v[i]}; });
}

/// ||a - b||^2, in double; a and b have one size.
template <class T>
double distance_sq(std::span<const T> a, std::span<const T> b) {
  if (const tpc_kernels* const host = detail::kernels())
    return host->distance_sq(detail::dtype_of<T>, a.data(), b.data(), a.size());
  return detail::lane_sum(a.size(), [&](std::size_t i) {
    const double difference = double{a[i]} - double{b[i]};
    return difference * difference;
  });
}

}  // namespace tpc
