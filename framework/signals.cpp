#include "signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "failure.hpp"

namespace threepc {
namespace {

// What sends a signal to a process and to its group, as timeout(1) and supervisors do, asks once and not twice.
constexpr std::int64_t one_request = 200'000'000;  // nanoseconds

volatile std::sig_atomic_t stop_requested = 0;
std::atomic<std::int64_t> first_at = 0;
static_assert(std::atomic<std::int64_t>::is_always_lock_free);  // or a signal handler may not touch it

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

void on_signal(int) {
  if (stop_requested == 0)
    first_at = now();
  else if (now() - first_at > one_request)
    _exit(static_cast<int>(Exit::interrupted));
  stop_requested = 1;
}

void set_all(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

}  // namespace

StopSignals::StopSignals() {
  stop_requested = 0;
  set_all(on_signal);
}

StopSignals::~StopSignals() { set_all(SIG_DFL); }

bool StopSignals::requested() { return stop_requested != 0; }

}  // namespace threepc
