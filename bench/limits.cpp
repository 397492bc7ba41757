#include "limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace bench {
namespace {

#if defined(__x86_64__)
#define BENCH_WIDE [[gnu::target("avx2")]]
#else
#define BENCH_WIDE
#endif

// The compiler must believe that the value is used, and must not fold what depends on it.
template <class T>
void keep(T& value) {
  asm volatile("" : "+m"(value) : : "memory");
}

/// The shortest of several timings of `body`, in seconds: noise only ever adds.
template <class Body>
double shortest(Body body) {
  using Clock = std::chrono::steady_clock;
  constexpr int attempts = 20;
  double best = 1e9;
  for (int i = 0; i < attempts; ++i) {
    const auto begin = Clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

// So many words at a time that the latency of one operation does not count.
constexpr std::size_t lanes = 32;

BENCH_WIDE void fold(const std::uint64_t* words, std::size_t count, std::uint64_t* folded) {
  std::uint64_t local[lanes] = {};
  for (std::size_t i = 0; i + lanes <= count; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) local[lane] |= words[i + lane];
  std::copy_n(local, lanes, folded);
}

// GCC's vector type keeps the sums in registers, where a loop over an array would spill them.
using Wide = double __attribute__((vector_size(32)));
constexpr std::size_t chains = 8;

/// The chains start from values that the compiler cannot see; of equal ones it would compute only one.
BENCH_WIDE void add_repeatedly(std::size_t times, const Wide& step, Wide* sums) {
  const Wide s = step;
  Wide a = sums[0], b = sums[1], c = sums[2], d = sums[3], e = sums[4], f = sums[5], g = sums[6], h = sums[7];
  for (std::size_t i = 0; i < times; ++i) a += s, b += s, c += s, d += s, e += s, f += s, g += s, h += s;
  sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d, sums[4] = e, sums[5] = f, sums[6] = g, sums[7] = h;
}

}  // namespace

double read_bandwidth(std::size_t bytes) {
  constexpr int passes = 100;
  std::vector<std::uint64_t> words(bytes / sizeof(std::uint64_t), 1);
  std::uint64_t folded[lanes];
  const double seconds = shortest([&] {
    for (int i = 0; i < passes; ++i) {
      fold(words.data(), words.size(), folded);
      keep(folded);
    }
  });
  return static_cast<double>(words.size() * sizeof(std::uint64_t)) * passes / seconds;
}

double additions() {
  constexpr std::size_t times = 1'000'000;
  Wide step = {1e-9, 2e-9, 3e-9, 4e-9}, sums[chains] = {};
  const double seconds = shortest([&] {
    keep(step);
    add_repeatedly(times, step, sums);
    keep(sums);
  });
  return static_cast<double>(times * chains * sizeof(Wide) / sizeof(double)) / seconds;
}

}  // namespace bench
