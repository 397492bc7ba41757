// What a member sleeps on: all that can happen, each with a tag that says what it is about.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "descriptor.hpp"

namespace threepc::shm {

inline constexpr std::int64_t millisecond = 1'000'000;  // ns

enum class Source : std::uint32_t { cancel, listener, peer, stranger };
struct Tag {
  Source source;
  std::uint32_t index = 0;
};

/// Rounded up, and at most a day.
inline int milliseconds_between(std::int64_t now, std::int64_t later) {
  constexpr std::int64_t day = 86'400'000 * millisecond;
  return static_cast<int>((std::min(later - std::min(now, later), day) + millisecond - 1) / millisecond);
}

class Events {
 public:
  /// Until `descriptor` is closed or forgotten.
  void watch(int descriptor, Tag tag) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = std::uint64_t{static_cast<std::uint32_t>(tag.source)} << 32 | tag.index;
    if (epoll_ctl(all_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0) throw system_error("wait for events");
  }
  void forget(int descriptor) const { epoll_ctl(all_.number(), EPOLL_CTL_DEL, descriptor, nullptr); }

  /// Calls handle(Tag) for what has happened, after `first`, which is called in any case.
  template <class First, class Handle>
  void wait(int milliseconds, First first, Handle handle) const {
    epoll_event happened[64];
    const int count = epoll_wait(all_.number(), happened, std::size(happened), milliseconds);
    first();
    for (int i = 0; i < count; ++i)
      handle(Tag{static_cast<Source>(happened[i].data.u64 >> 32), static_cast<std::uint32_t>(happened[i].data.u64)});
  }

 private:
  Descriptor all_ = checked(epoll_create1(EPOLL_CLOEXEC), "wait for events");
};

}  // namespace threepc::shm
