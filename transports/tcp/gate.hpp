// How much of a server's time goes to those who have not joined.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <ctime>
#include <deque>
#include <functional>
#include <utility>

namespace threepc::tcp {

namespace asio = boost::asio;

/// Whose work comes first.
enum class Turn : std::size_t { first, last };

/// Members first: while they work, strangers get a tenth of the thread's time, at most a millisecond at once, and wait
/// for it in a queue. A piece of work may take longer; then the next waits for as much longer. While nobody works yet
/// the gate is open, because members are strangers as well until they have joined.
class Gate {
 public:
  using Work = std::function<void()>;

  explicit Gate(asio::io_context& io) : timer_(io) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Without a limit.
  void open(bool wide) {
    open_ = wide;
    run();
  }
  bool has_time() {
    refill();
    return open_ || credit_ > Duration::zero();
  }

  /// Does `work` now, or as soon as there is time for it. It does not throw.
  void enter(Work work, Turn turn = Turn::first) {
    queues_[static_cast<std::size_t>(turn)].push_back(std::move(work));
    run();
  }

  /// Forgets what waits.
  void clear() {
    for (auto& queue : queues_) queue.clear();
    timer_.cancel();
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Duration = std::chrono::nanoseconds;
  static constexpr int share = 10;  // of the time, one part
  static constexpr Duration most = std::chrono::milliseconds(1);
  static constexpr Duration deepest_debt = -10 * most;  // whatever a clock says

  void run() {
    if (running_) return;
    running_ = true;
    while (std::deque<Work>* const queue = next()) {
      if (!has_time()) break;
      const Work work = std::move(queue->front());
      queue->pop_front();
      const Duration before = time_of_thread();
      work();
      credit_ = std::max(credit_ - (time_of_thread() - before), deepest_debt);
    }
    running_ = false;
    if (next() != nullptr) run_later();
  }

  std::deque<Work>* next() {
    const auto at = std::find_if(queues_.begin(), queues_.end(), [](const auto& queue) { return !queue.empty(); });
    return at == queues_.end() ? nullptr : &*at;
  }

  void refill() {
    const Clock::time_point now = Clock::now();
    credit_ = std::min(credit_ + std::chrono::duration_cast<Duration>(now - refilled_) / share, most);
    refilled_ = now;
  }

  void run_later() {
    if (std::exchange(is_set_, true)) return;
    timer_.expires_after((most / 4 - credit_) * share);
    timer_.async_wait([this](const boost::system::error_code& error) {
      is_set_ = false;
      if (!error) run();
    });
  }

  /// Not the clock on the wall: what others take from this thread is not the strangers' fault.
  static Duration time_of_thread() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec);
  }

  asio::steady_timer timer_;
  std::array<std::deque<Work>, 2> queues_;
  Duration credit_ = most;
  Clock::time_point refilled_ = Clock::now();
  bool open_ = false, running_ = false, is_set_ = false;
};

}  // namespace threepc::tcp
