#include "vector/change.hpp"

#include <type_traits>
#include <utility>

#include "vector/dispatch.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t all = 0xffffffff;

/// The bits of a T, by which values are compared: -0 is not 0, and a NaN is itself.
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
BitsOf<T> bits_at(const RawVector* v, std::size_t j) {
  BitsOf<T> bits = 0;
  if (v != nullptr) std::memcpy(&bits, v->bytes() + j * sizeof bits, sizeof bits);
  return bits;
}

void append_varint(Bytes& out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint32_t take_varint(tpc::Reader& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const auto byte = in.get<std::uint8_t>();
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80 && value <= UINT32_MAX) return static_cast<std::uint32_t>(value);
  }
  throw tpc::Corrupt("a distance between two indices is too large");
}

void append_all(Bytes& out, const RawVector& v) {
  append(out, all);
  append(out, v);
}

/// The indices that differ. Ends early when they are so many that all values are shorter.
template <class T>
std::vector<std::uint32_t> differing(const RawVector* before, const RawVector& after) {
  const std::size_t most = after.dim() * sizeof(T) / (sizeof(T) + 1);
  std::vector<std::uint32_t> indices;
  for (std::uint32_t j = 0; j < after.dim() && indices.size() <= most; ++j)
    if (bits_at<T>(before, j) != bits_at<T>(&after, j)) indices.push_back(j);
  return indices;
}

template <class T>
void append_some(Bytes& out, const std::vector<std::uint32_t>& indices, const RawVector& after) {
  append(out, static_cast<std::uint32_t>(indices.size()));
  std::uint32_t last = 0;
  for (const std::uint32_t j : indices) append_varint(out, j - std::exchange(last, j));
  for (const std::uint32_t j : indices) append(out, bits_at<T>(&after, j));
}

template <class T>
void take_some(tpc::Reader& in, std::uint32_t count, RawVector& v) {
  if (count > v.dim()) throw tpc::Corrupt("more coordinates change than there are");
  std::vector<std::uint32_t> indices;
  std::uint64_t at = 0;
  for (std::uint32_t left = count; left > 0; --left) {
    const std::uint32_t distance = take_varint(in);
    at += distance;
    if (at >= v.dim()) throw tpc::Corrupt("an index is beyond the vector");
    if (distance == 0 && !indices.empty()) throw tpc::Corrupt("an index comes twice");
    indices.push_back(static_cast<std::uint32_t>(at));
  }
  const auto values = in.take<BitsOf<T>>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const BitsOf<T> bits = values[i];
    std::memcpy(static_cast<std::uint8_t*>(v.data()) + indices[i] * sizeof bits, &bits, sizeof bits);
  }
}

}  // namespace

void append_change(Bytes& out, const RawVector* before, const RawVector& after) {
  with_type_of(after.dtype(), [&]<class T>() {
    const std::size_t begin = out.size();
    const std::vector<std::uint32_t> indices = differing<T>(before, after);
    append_some<T>(out, indices, after);
    if (out.size() - begin < sizeof all + after.size_bytes()) return;
    out.resize(begin);
    append_all(out, after);
  });
}

void take_change(tpc::Reader& in, RawVector& v) {
  const auto count = in.get<std::uint32_t>();
  if (count == all) return take(in, v);
  with_type_of(v.dtype(), [&]<class T>() { take_some<T>(in, count, v); });
}

}  // namespace threepc
