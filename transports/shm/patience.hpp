// How long to look for something to do before going to sleep. A look costs less than being woken, if what is waited for
// comes soon; but when it does not, or others need the core, looking is a waste. So the patience follows what it brought.
#pragma once

#include <sched.h>

#include <algorithm>
#include <cstdint>

namespace threepc::shm {

class Patience {
 public:
  /// Looks until `done` or the patience is at its end; in between, others get the core.
  template <class Now, class Done>
  bool wait(Now now, Done done) {
    if (limit_ < shortest && ++declined_ % try_again != 0) return false;
    const std::int64_t budget = std::max(limit_, shortest), end = now() + budget;
    do {
      if (done()) return limit_ = std::min(2 * budget, longest), true;
      sched_yield();
    } while (now() < end);
    limit_ = budget / 2;
    return false;
  }

 private:
  static constexpr std::int64_t shortest = 5'000, longest = 100'000;  // ns
  static constexpr std::uint32_t try_again = 16;                      // waits without a look, then one with

  std::int64_t limit_ = longest;
  std::uint32_t declined_ = 0;
};

}  // namespace threepc::shm
