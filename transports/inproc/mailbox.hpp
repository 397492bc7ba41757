// One direction between two members of a process: a queue of messages whose bytes the receiver reads in place.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace inproc {

/// Bytes that several receivers may read at once. `readers` counts the letters that still point here; the
/// sender writes again only after it has seen 0.
struct Buffer {
  std::vector<std::uint8_t> bytes;
  std::atomic<std::uint32_t> readers{0};
};

/// What a mailbox holds: a message and its share of a buffer, which it gives back on destruction.
class Letter {
 public:
  Letter() = default;
  Letter(std::uint32_t type, std::uint64_t round, std::shared_ptr<Buffer> buffer)
      : type_(type), round_(round), buffer_(std::move(buffer)) {
    buffer_->readers.fetch_add(1, std::memory_order_relaxed);
  }
  Letter(Letter&&) noexcept = default;
  Letter& operator=(Letter&& other) noexcept {
    Letter moved(std::move(other));
    std::swap(type_, moved.type_);
    std::swap(round_, moved.round_);
    std::swap(buffer_, moved.buffer_);
    return *this;
  }
  ~Letter() {
    if (buffer_) buffer_->readers.fetch_sub(1, std::memory_order_release);
  }

  std::uint32_t type() const { return type_; }
  std::uint64_t round() const { return round_; }
  const std::vector<std::uint8_t>& bytes() const { return buffer_->bytes; }

 private:
  std::uint32_t type_ = 0;
  std::uint64_t round_ = 0;
  std::shared_ptr<Buffer> buffer_;
};

/// The buffers of one sender. In the steady state of a run, where each side waits for the other, the same few
/// go round and nothing is allocated.
class BufferPool {
 public:
  std::shared_ptr<Buffer> filled(const std::uint8_t* data, std::uint64_t size) {
    std::shared_ptr<Buffer> buffer = next();
    buffer->bytes.assign(data, data + size);
    return buffer;
  }

 private:
  /// A message larger than this is not worth keeping: with thousands of workers the pools would outgrow the run.
  static constexpr std::size_t kept_capacity = 1 << 16;

  std::shared_ptr<Buffer> next() {
    std::shared_ptr<Buffer>& slot = slots_[turn_++ % slots_.size()];
    const bool reusable =
        slot && slot->readers.load(std::memory_order_acquire) == 0 && slot->bytes.capacity() <= kept_capacity;
    if (!reusable) slot = std::make_shared<Buffer>();
    return slot;
  }

  std::array<std::shared_ptr<Buffer>, 2> slots_;
  std::size_t turn_ = 0;
};

enum class Wait { ready, timeout, cancelled, closed };

class Mailbox {
 public:
  /// False when the reader is gone; nobody will ever read it.
  bool put(Letter letter) {
    {
      const std::lock_guard lock(mutex_);
      if (reader_gone_) return false;
      letters_.push_back(std::move(letter));
      ready_.store(true, std::memory_order_release);
    }
    arrived_.notify_one();
    return true;
  }

  /// Waits until there is a letter, the writer has gone, `cancelled` is set, or `remaining()` nanoseconds are
  /// no longer positive. Letters come first: what a writer sent before it went is still delivered.
  Wait take(Letter& out, const std::atomic<bool>& cancelled, const std::function<std::int64_t()>& remaining) {
    std::unique_lock lock(mutex_);
    while (true) {
      if (cancelled.load()) return Wait::cancelled;
      if (!letters_.empty()) return take_first(out), Wait::ready;
      if (writer_gone_) return Wait::closed;
      const std::int64_t left = remaining();
      if (left <= 0) return Wait::timeout;
      // A bounded slice, because a deadline of "never" does not fit a time point.
      arrived_.wait_for(lock, std::chrono::nanoseconds(std::min(left, std::int64_t{3'600'000'000'000})));
    }
  }

  /// Without the lock, and only a hint: spinning on it saves the wake-up when both sides are running.
  bool looks_ready() const { return ready_.load(std::memory_order_acquire); }

  void writer_goes() { close(writer_gone_); }

  void reader_goes() {
    close(reader_gone_);
    const std::lock_guard lock(mutex_);
    letters_.clear();
  }

  /// Makes a waiting take() look at its conditions again.
  void wake() {
    { const std::lock_guard lock(mutex_); }
    arrived_.notify_all();
  }

  BufferPool& pool() { return pool_; }  // the writer's

 private:
  void take_first(Letter& out) {
    out = std::move(letters_.front());
    letters_.pop_front();
    ready_.store(!letters_.empty() || writer_gone_, std::memory_order_release);
  }

  void close(bool& side) {
    {
      const std::lock_guard lock(mutex_);
      side = true;
      ready_.store(true, std::memory_order_release);
    }
    arrived_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Letter> letters_;
  bool writer_gone_ = false;
  bool reader_gone_ = false;
  std::atomic<bool> ready_{false};
  BufferPool pool_;
};

}  // namespace inproc
