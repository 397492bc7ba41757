// How long to look for something to do before going to sleep. Looking is cheaper than being woken, if what is waited
// for comes soon; when it does not, or the others need this core to make it, looking is a waste. So the patience
// follows what it brought: it doubles with success, halves without, and at nothing is tried again now and then.
#pragma once

#include <algorithm>
#include <cstdint>

namespace threepc::shm {

class Patience {
 public:
  /// Looks until `done`, true, or until the patience is at its end. `now` tells nanoseconds.
  template <class Now, class Done>
  bool wait(Now now, Done done) {
    if (limit_ < shortest && ++declined_ % try_again != 0) return false;
    const std::int64_t budget = std::max(limit_, shortest), end = now() + budget;
    do {
      if (done()) return limit_ = std::min(2 * budget, longest), true;
      pause();
    } while (now() < end);
    limit_ = budget / 2;
    return false;
  }

 private:
  static constexpr std::int64_t shortest = 2'000, longest = 20'000;  // ns; being woken takes about 10'000
  static constexpr std::uint32_t try_again = 16;                     // of so many waits without patience, one with

  /// Yielding the core instead was tried: as fast on an idle machine, but on a busy one it comes back a time slice
  /// later.
  static void pause() {
#if defined(__x86_64__)
    for (int i = 0; i < 8; ++i) __builtin_ia32_pause();
#elif defined(__aarch64__)
    for (int i = 0; i < 8; ++i) asm volatile("yield");
#endif
  }

  std::int64_t limit_ = longest;
  std::uint32_t declined_ = 0;
};

}  // namespace threepc::shm
