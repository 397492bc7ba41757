// The memory that a server and one worker share: two rings, in a file that has no name (memfd_create). So nothing can
// be left behind: the kernel frees it with the last process that has it, however that ends.
#pragma once

#include <cstdint>
#include <utility>

#include "descriptor.hpp"
#include "ring.hpp"

namespace threepc::shm {

class Segment {
 public:
  /// Two empty rings of `ring` bytes, a power of two. Pages are taken from the system when they are first written.
  explicit Segment(std::uint64_t ring);
  /// What another process has made, with rings of `ring` bytes. Refuses memory that is smaller or could shrink under
  /// our feet.
  Segment(Descriptor file, std::uint64_t ring);
  ~Segment();
  Segment(Segment&& other) noexcept
      : file_(std::move(other.file_)), ring_(other.ring_), memory_(std::exchange(other.memory_, nullptr)) {}
  Segment& operator=(Segment&&) = delete;

  Ring to_worker() const { return {&rings()[0], data(), ring_}; }
  Ring to_server() const { return {&rings()[1], data() + ring_, ring_}; }

  /// To be handed to the other process; it is not needed afterwards.
  Descriptor& file() { return file_; }

 private:
  static constexpr std::size_t control_size = 4096;  // a page, so that the data are aligned
  static_assert(2 * sizeof(RingControl) <= control_size);

  std::size_t size() const { return control_size + 2 * ring_; }
  RingControl* rings() const { return reinterpret_cast<RingControl*>(memory_); }
  std::uint8_t* data() const { return memory_ + control_size; }
  void map();

  Descriptor file_;
  std::uint64_t ring_;
  std::uint8_t* memory_ = nullptr;
};

}  // namespace threepc::shm
