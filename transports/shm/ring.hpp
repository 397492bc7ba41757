// One direction between two processes: a ring of bytes in memory that both have mapped. One of them writes, the other
// reads, and neither trusts the other: an index of the other side is read once and checked before it is used.
//
// Positions count bytes since the beginning and never go back; modulo the capacity they are places in the ring. Who
// finds nothing to do says so in `reader_sleeps` or `writer_sleeps`, looks again, and sleeps; the other one takes the
// flag back after it has moved its position, and then owes a wake-up. Both orders are sequentially consistent, so at
// least one of the two sees what the other did.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <threepc/sdk.hpp>

namespace threepc::shm {

/// What both sides see, each group on a cache line of its own. Zeros are an empty ring.
struct RingControl {
  alignas(64) std::atomic<std::uint64_t> written;  // by the writer
  std::atomic<std::uint32_t> closed;               // by the writer, after its last byte: it will write no more
  alignas(64) std::atomic<std::uint64_t> read;     // by the reader
  alignas(64) std::atomic<std::uint32_t> reader_sleeps;
  alignas(64) std::atomic<std::uint32_t> writer_sleeps;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

/// The bytes of one direction, capacity of them a power of two.
struct Ring {
  RingControl* control;
  std::uint8_t* bytes;
  std::uint64_t capacity;

  std::uint64_t place(std::uint64_t position) const { return position & (capacity - 1); }
};

/// Takes the flag back; true if it was set, and the sleeper must be woken.
inline bool take_back(std::atomic<std::uint32_t>& flag) { return flag.load() != 0 && flag.exchange(0) != 0; }

/// One thread at a time. Throws tpc::Corrupt when the reader's position is impossible.
class RingWriter {
 public:
  explicit RingWriter(const Ring& ring) : ring_(ring) {}

  std::uint64_t space() {
    if (written_ - read_ == ring_.capacity) look();
    return ring_.capacity - (written_ - read_);
  }

  /// Copies as much as fits; the reader sees it after publish.
  std::size_t write(std::span<const std::uint8_t> bytes) {
    const std::size_t size = std::min<std::uint64_t>(bytes.size(), space());
    const std::uint64_t at = ring_.place(written_);
    const std::size_t before_end = std::min<std::uint64_t>(size, ring_.capacity - at);
    if (before_end > 0) std::memcpy(ring_.bytes + at, bytes.data(), before_end);
    if (size > before_end) std::memcpy(ring_.bytes, bytes.data() + before_end, size - before_end);
    written_ += size;
    return size;
  }

  /// True: the reader sleeps and must be woken.
  bool publish() {
    ring_.control->written.store(written_);
    return take_back(ring_.control->reader_sleeps);
  }

  /// No more will be written.
  void close() { ring_.control->closed.store(1); }

  /// Asks to be woken when half of the ring is free. False: it is already; no need to sleep.
  bool sleep() {
    ring_.control->writer_sleeps.store(1);
    look();
    return written_ - read_ > ring_.capacity / 2;
  }
  void wake() { ring_.control->writer_sleeps.store(0, std::memory_order_relaxed); }

 private:
  void look() {
    const std::uint64_t read = ring_.control->read.load();
    if (written_ - read > ring_.capacity) throw tpc::Corrupt("it says to have read what was never written");
    read_ = read;
  }

  Ring ring_;
  std::uint64_t written_ = 0;  // ours; the shared one is for the reader
  std::uint64_t read_ = 0;     // the reader's, when we last looked
};

/// One thread at a time. Throws tpc::Corrupt when the writer's position is impossible.
class RingReader {
 public:
  explicit RingReader(const Ring& ring) : ring_(ring) {}

  /// What can be read, in one piece: up to the end of the ring.
  std::span<const std::uint8_t> readable() {
    if (written_ == read_) look();
    const std::uint64_t at = ring_.place(read_);
    return {ring_.bytes + at, std::min(written_ - read_, ring_.capacity - at)};
  }

  /// Gives room back. True: the writer sleeps, there is room enough, and it must be woken.
  bool consume(std::size_t size) {
    read_ += size;
    ring_.control->read.store(read_);
    return written_ - read_ <= ring_.capacity / 2 && take_back(ring_.control->writer_sleeps);
  }

  /// The writer has closed, and all that it wrote has been read.
  bool at_end() { return ring_.control->closed.load() != 0 && readable().empty(); }

  /// Asks to be woken when something comes. False: it is there already.
  bool sleep() {
    ring_.control->reader_sleeps.store(1);
    return readable().empty() && ring_.control->closed.load() == 0;
  }
  void wake() { ring_.control->reader_sleeps.store(0, std::memory_order_relaxed); }

 private:
  void look() {
    const std::uint64_t written = ring_.control->written.load();
    if (written - read_ > ring_.capacity) throw tpc::Corrupt("it says to have written more than the ring holds");
    written_ = written;
  }

  Ring ring_;
  std::uint64_t written_ = 0;  // the writer's, when we last looked
  std::uint64_t read_ = 0;     // ours; the shared one is for the writer
};

}  // namespace threepc::shm
