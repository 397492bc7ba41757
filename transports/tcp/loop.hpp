// The event loop of a member. It runs in the thread that calls the transport, while that waits; there is no other.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <threepc/sdk.hpp>

namespace threepc::tcp {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

inline Clock::time_point time_point(tpc::Deadline deadline) {
  return Clock::time_point(std::chrono::nanoseconds(deadline.at));
}

class Loop {
 public:
  asio::io_context& io() { return io_; }

  /// Any thread: a flag and a thread-safe post that wakes the loop to see it.
  void cancel() noexcept {
    cancelled_ = true;
    asio::post(io_, [] {});
  }

  /// Runs until `done`, or throws at the deadline (`late` says what did not happen) or when cancelled.
  template <class Done>
  void wait(tpc::Deadline deadline, const std::string& late, Done done) {
    const Clock::time_point until = time_point(deadline);
    while (true) {
      if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
      if (done()) return;
      if (io_.run_one_until(until) == 0 && Clock::now() >= until && !done()) throw tpc::Error(TPC_TIMEOUT, late);
    }
  }

  /// wait(), for something whose handlers point into the caller's frame: when it throws, `give_up` has made them
  /// come, and they have run.
  template <class Done, class GiveUp>
  void attempt(tpc::Deadline deadline, const std::string& late, Done done, GiveUp give_up) {
    try {
      wait(deadline, late, done);
    } catch (const tpc::Error&) {
      give_up();
      while (!done()) io_.run_one();
      throw;
    }
  }

  void pause(std::chrono::milliseconds length, tpc::Deadline deadline, const std::string& late) {
    asio::steady_timer timer(io_, length);
    bool rung = false;
    timer.async_wait([&](const boost::system::error_code&) { rung = true; });
    attempt(
        deadline, late, [&] { return rung; }, [&] { timer.cancel(); });
  }

  /// What is there to do, but never without end: a flood of connections always has more.
  void poll(std::uint32_t most) {
    for (std::uint32_t i = 0; i < most && io_.poll_one() > 0;) ++i;
  }

 private:
  std::atomic<bool> cancelled_{false};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
};

}  // namespace threepc::tcp
