#include "bench/machine.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "plugin/host_services.hpp"
#include "vector/kernels/sums.hpp"

namespace threepc::bench {

double shortest(double seconds, const std::function<void()>& call) {
  constexpr int least = 3;
  const auto now = [] { return host_services().now(); };
  const std::int64_t begin = now();
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < least || static_cast<double>(now() - begin) < seconds * 1e9; ++i) {
    const std::int64_t before = now();
    call();
    best = std::min(best, now() - before);
  }
  return static_cast<double>(best) * 1e-9;
}

/// The sum of squares of doubles is bound by memory, or as good as that in a cache.
double read_seconds(std::size_t bytes, double seconds) {
  const std::vector<double> values(std::max<std::size_t>(1, bytes / sizeof(double)), 1.0);
  volatile double sink = 0;
  return shortest(seconds, [&] { sink = kernels::distance_sq(values.data(), nullptr, values.size()); });
}

double copy_seconds(std::size_t bytes, double seconds) {
  std::vector<char> from(bytes, 1), to(bytes);
  volatile char sink = 0;
  return shortest(seconds, [&] {
    std::memcpy(to.data(), from.data(), bytes);
    sink = to[bytes / 2];
  });
}

}  // namespace threepc::bench
