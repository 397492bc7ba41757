// Values and vectors as the bytes of a message or a checkpoint: little-endian, vectors without a length, because
// both sides know it. Reading is tpc::Reader's business.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <threepc/sdk/bytes.hpp>
#include <type_traits>
#include <vector>

#include "vector/exact_vector.hpp"

namespace threepc {

using Bytes = std::vector<std::uint8_t>;

template <class T>
requires std::is_arithmetic_v<T>
void append(Bytes& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

inline void append(Bytes& out, std::span<const std::uint8_t> bytes) {
  const std::size_t at = out.size();
  out.resize(at + bytes.size());
  if (!bytes.empty()) std::memcpy(out.data() + at, bytes.data(), bytes.size());
}
inline void append(Bytes& out, const RawVector& v) {
  append(out, std::span<const std::uint8_t>(v.bytes(), v.size_bytes()));
}
inline void append(Bytes& out, const ExactVector& v) { append(out, v.sum()), append(out, v.error()); }

/// Fills `v` from the front of `in`. Throws tpc::Error if there is too little.
inline void take(tpc::Reader& in, RawVector& v) {
  const auto bytes = in.take_span(v.size_bytes());
  if (!bytes.empty()) std::memcpy(v.data(), bytes.data(), bytes.size());
}
inline void take(tpc::Reader& in, ExactVector& v) { take(in, v.sum()), take(in, v.error()); }

inline std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string text_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace threepc
