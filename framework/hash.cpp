#include "hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace threepc {

std::uint64_t hash64(const void* data, std::size_t size, std::uint64_t seed) {
  return XXH3_64bits_withSeed(data, size, seed);
}

struct StreamingHash::State {
  XXH3_state_t xxh;
};

StreamingHash::StreamingHash() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh); }
StreamingHash::~StreamingHash() = default;
void StreamingHash::add(const void* data, std::size_t size) { XXH3_64bits_update(&state_->xxh, data, size); }
std::uint64_t StreamingHash::value() const { return XXH3_64bits_digest(&state_->xxh); }

}  // namespace threepc
