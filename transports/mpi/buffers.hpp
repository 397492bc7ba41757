// Memory for large frames, used again and again: the kernel's fresh pages cost more than what is copied into them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "frame.hpp"

namespace threepc::mpi {

/// One thread at a time.
class Buffers : public std::enable_shared_from_this<Buffers> {
 public:
  /// Keeps at most so many for later.
  explicit Buffers(std::size_t most) : most_(most) {}

  /// With this capacity; size and content are those of its last use.
  Bytes take(std::size_t capacity) {
    const auto largest = std::max_element(free_.begin(), free_.end(),
                                          [](const Bytes& a, const Bytes& b) { return a.capacity() < b.capacity(); });
    Bytes out;
    if (largest != free_.end()) {
      out = std::move(*largest);
      free_.erase(largest);
    }
    if (out.capacity() < capacity) out = Bytes(capacity);
    return out;
  }

  void give_back(Bytes&& bytes) {
    if (bytes.capacity() >= worthwhile && free_.size() < most_) free_.push_back(std::move(bytes));
  }

  /// Gives them back when the last owner is gone.
  std::shared_ptr<const Bytes> share(Bytes&& bytes) {
    if (bytes.capacity() < worthwhile) return std::make_shared<const Bytes>(std::move(bytes));
    const auto give_back_and_delete = [self = shared_from_this()](Bytes* last) {
      self->give_back(std::move(*last));
      delete last;
    };
    return std::shared_ptr<Bytes>(new Bytes(std::move(bytes)), give_back_and_delete);
  }

  /// Smaller ones are cheap to allocate.
  static constexpr std::size_t worthwhile = std::size_t{64} << 10;

 private:
  std::size_t most_;
  std::vector<Bytes> free_;
};

}  // namespace threepc::mpi
