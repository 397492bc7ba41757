// The K largest magnitudes of a vector.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

namespace threepc::kernels {

/// Writes the indices of the k coordinates of a - b (b null: a) with the largest magnitudes, ascending; of two that are
/// equal the lower index is kept, and NaN is larger than infinity. k <= dim. Exact, and as fast on ties, zeros and
/// sorted vectors as on noise: about one pass over a and b. `last`, 0 at first, remembers from call to call for vectors
/// that resemble each other; it changes how long this takes and nothing else. Any thread.
void select_largest(const float* a, const float* b, std::uint32_t dim, std::uint32_t k, std::uint32_t* indices,
                    std::uint64_t* last = nullptr);
void select_largest(const double* a, const double* b, std::uint32_t dim, std::uint32_t k, std::uint32_t* indices,
                    std::uint64_t* last = nullptr);

template <class T>
using Magnitude = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// |a_i - b_i| as an integer of the same order: its bits without the sign.
template <class T>
Magnitude<T> magnitude_bits(const T* a, const T* b, std::uint32_t i) {
  const T v = b == nullptr ? a[i] : a[i] - b[i];
  return std::bit_cast<Magnitude<T>>(v) & std::numeric_limits<Magnitude<T>>::max();
}

/// Coordinates that may be among the largest, in the order of their indices. Room for any number is reserved, and takes
/// memory only when it is used.
template <class T>
struct Candidates {
  std::unique_ptr<std::uint32_t[]> index;
  std::unique_ptr<Magnitude<T>[]> magnitude;
  std::uint32_t size = 0, room = 0;

  void begin(std::uint32_t dim) {
    size = 0;
    if (dim <= room) return;
    index = std::make_unique_for_overwrite<std::uint32_t[]>(dim);
    magnitude = std::make_unique_for_overwrite<Magnitude<T>[]>(dim);
    room = dim;
  }
  void push(std::uint32_t i, Magnitude<T> m) {
    index[size] = i;
    magnitude[size++] = m;
  }
};

/// Those of a - b whose magnitude is above a bound.
void collect(const float* a, const float* b, std::uint32_t dim, std::int32_t above, Candidates<float>& out);
void collect(const double* a, const double* b, std::uint32_t dim, std::int64_t above, Candidates<double>& out);

}  // namespace threepc::kernels
