// What one member of a run has sent to another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace threepc::inproc {

/// A message in a mailbox. Its bytes are shared, so that a broadcast is copied once for all workers.
struct Letter {
  std::uint32_t type;
  std::uint64_t round;
  std::uint64_t size;
  std::shared_ptr<const std::uint8_t[]> data;
};

/// What one member has sent to another and that one has not received yet. Any thread.
///
/// Two processors hand it to each other for every message, so it is small: what a message touches lies together, and
/// memory is kept.
class alignas(64) Mailbox {
 public:
  enum class Outcome { letter, closed, cancelled, timeout };

  /// False when the receiver is gone; nobody will ever read it.
  bool put(Letter letter) {
    std::unique_lock lock(mutex_);
    if (abandoned_) return false;
    letters_.push_back(std::move(letter));
    const bool awaited = awaited_;
    lock.unlock();  // first, or who is woken would wait for it
    if (awaited) changed_.notify_one();
    return true;
  }

  bool empty() {
    const std::lock_guard lock(mutex_);
    return letters_.empty();
  }

  /// The receiver is gone.
  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    letters_.clear();
    taken_ = 0;
  }

  /// The sender is gone; what it sent before is still delivered.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

  Outcome take(Letter& out, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return cancelled_ || closed_ || !letters_.empty(); };
    if (!ready() && !wait(lock, deadline, ready)) return Outcome::timeout;
    if (cancelled_) return Outcome::cancelled;
    if (letters_.empty()) return Outcome::closed;
    out = std::move(letters_[taken_]);
    if (2 * ++taken_ >= letters_.size()) forget_taken();
    return Outcome::letter;
  }

 private:
  /// Not one by one, so that a letter costs the same however many there are.
  void forget_taken() {
    letters_.erase(letters_.begin(), letters_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }

  template <class Ready>
  bool wait(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point deadline, Ready ready) {
    awaited_ = true;
    const bool in_time = changed_.wait_until(lock, deadline, ready);
    awaited_ = false;
    return in_time;
  }

  std::mutex mutex_;
  std::vector<Letter> letters_;
  std::size_t taken_ = 0;  // of letters_, from the front; fewer than half
  bool awaited_ = false;   // by the receiver
  bool closed_ = false;
  bool abandoned_ = false;
  bool cancelled_ = false;
  std::condition_variable changed_;
};

}  // namespace threepc::inproc
