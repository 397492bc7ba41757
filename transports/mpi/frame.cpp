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

void write_header(const FrameHeader& header, std::uint8_t* out) {
  const Wire wire{magic, version, static_cast<std::uint16_t>(header.kind), header.type, 0, header.round, header.length};
  std::memcpy(out, &wire, header_size);
}

}  // namespace

Bytes to_header(const FrameHeader& header) {
  Bytes out(header_size);
  write_header(header, out.data());
  return out;
}

void write_frame(FrameHeader header, std::span<const std::uint8_t> payload, Bytes& out) {
  header.length = payload.size();
  out.resize(header_size + payload.size());
  write_header(header, out.data());
  if (!payload.empty()) std::memcpy(out.data() + header_size, payload.data(), payload.size());
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
    throw tpc::Corrupt(tpc::text("a frame of ", wire.length, " bytes, at most ", longest, " are accepted"));
  return {static_cast<FrameKind>(wire.kind), wire.type, wire.round, wire.length};
}

}  // namespace threepc::mpi
