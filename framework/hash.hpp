// The one hash of the project: XXH3, 64 bit. Finds accidents, not adversaries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace threepc {

std::uint64_t hash64(const void* data, std::size_t size, std::uint64_t seed = 0);

/// The same over pieces: value() is hash64 of all that was added, one after the other.
class StreamingHash {
 public:
  StreamingHash();
  ~StreamingHash();
  void add(const void* data, std::size_t size);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace threepc
