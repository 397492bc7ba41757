#include "frame.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <threepc/sdk/error.hpp>

namespace threepc::mpi {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little-endian; a big-endian port must swap here");

constexpr std::uint32_t magic = 0x4D503354;  // "T3PM"
constexpr std::uint16_t version = 1;

/// The layout of docs/wire-format.md; every field lies at a multiple of its size, so there is no padding.
struct Wire {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t kind;
  std::uint32_t type;
  std::uint32_t reserved;
  std::uint64_t round;
  std::uint64_t length;
};
static_assert(sizeof(Wire) == header_size);

/// `size` bytes that begin with the header.
Bytes with_header(const FrameHeader& header, std::size_t size) {
  const Wire wire{magic, version, static_cast<std::uint16_t>(header.kind), header.type, 0, header.round, header.length};
  Bytes out(size);
  std::memcpy(out.data(), &wire, header_size);
  return out;
}

}  // namespace

Bytes to_header(const FrameHeader& header) { return with_header(header, header_size); }

Bytes to_frame(FrameHeader header, std::span<const std::uint8_t> payload) {
  header.length = payload.size();
  Bytes out = with_header(header, header_size + payload.size());
  if (!payload.empty()) std::memcpy(out.data() + header_size, payload.data(), payload.size());
  return out;
}

FrameHeader read_header(std::span<const std::uint8_t> bytes, std::uint64_t longest) {
  Wire wire{};
  std::memcpy(&wire, bytes.data(), std::min(bytes.size(), header_size));
  if (bytes.size() < header_size || wire.magic != magic)
    throw tpc::Corrupt("it does not begin with a frame's magic number; start the same program in all processes");
  if (wire.version != version)
    throw tpc::Corrupt(tpc::text("frame version ", wire.version, ", expected ", version,
                                 "; use equal versions of threepc in all processes"));
  if (wire.kind < 1 || wire.kind > 6) throw tpc::Corrupt(tpc::text("unknown kind of frame ", wire.kind));
  if (wire.length > longest)
    throw tpc::Corrupt(
        tpc::text("a frame of ", wire.length, " bytes, at most [transport] max_message = ", longest, " are accepted"));
  return {static_cast<FrameKind>(wire.kind), wire.type, wire.round, wire.length};
}

}  // namespace threepc::mpi
