#include "plugin/raw_vector.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace threepc {
namespace {

template <class T>
double largest_of(const RawVector& v) {
  double largest = 0;
  const auto* values = static_cast<const T*>(v.data());
  for (std::uint32_t i = 0; i < v.dim(); ++i)
    largest = std::isfinite(values[i]) ? std::max(largest, std::abs(double{values[i]}))
                                       : std::numeric_limits<double>::infinity();
  return largest;
}

}  // namespace

double largest_magnitude(const RawVector& v) {
  return v.dtype() == TPC_F32 ? largest_of<float>(v) : largest_of<double>(v);
}

}  // namespace threepc
