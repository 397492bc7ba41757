#include "frame.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace threepc::tcp {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little-endian; a big-endian port must swap here");

constexpr std::uint32_t magic = 0x46503354;  // "T3PF"
constexpr std::uint16_t version = 2;

/// The layout of docs/wire-format.md; every field lies at a multiple of its size, so there is no padding.
struct Wire {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t kind;
  std::uint32_t sender;
  std::uint32_t type;
  std::uint64_t round;
  std::uint64_t length;
  std::uint64_t checksum;
};
static_assert(sizeof(Wire) == header_size);

/// XXH3 of the header without its checksum, then of the payload with that as the seed.
std::uint64_t checksum_of(const Wire& wire, std::span<const std::uint8_t> payload) {
  const XXH64_hash_t seed = XXH3_64bits(&wire, offsetof(Wire, checksum));
  return XXH3_64bits_withSeed(payload.data(), payload.size(), seed);
}

std::string fault_of(const Wire& wire, std::uint64_t longest) {
  if ((wire.magic & 0xFFFF) == 0x0316)
    return "it speaks TLS, and this side is not set up for it; set [transport] ca, certificate and key on both sides, "
           "or on none";
  if (wire.magic != magic) return "it does not begin with a frame's magic number; the peer speaks another protocol";
  if (wire.version != version)
    return "frame version " + std::to_string(wire.version) + ", expected " + std::to_string(version) +
           "; use equal versions of threepc on both sides";
  if (wire.kind < 1 || wire.kind > 7) return "unknown kind of frame " + std::to_string(wire.kind);
  if (wire.length > longest)
    return "a frame of " + std::to_string(wire.length) + " bytes, at most " + std::to_string(longest) + " are accepted";
  return "";
}

Decoded bad(const std::string& fault) {
  Decoded out;
  out.state = Decoded::State::bad;
  out.fault = fault;
  return out;
}

}  // namespace

std::vector<std::uint8_t> to_frame(FrameHeader header, std::span<const std::uint8_t> payload) {
  Wire wire{magic,          version, static_cast<std::uint16_t>(header.kind), header.sender, header.type, header.round,
            payload.size(), 0};
  wire.checksum = checksum_of(wire, payload);
  std::vector<std::uint8_t> out(header_size + payload.size());
  std::memcpy(out.data(), &wire, header_size);
  if (!payload.empty()) std::memcpy(out.data() + header_size, payload.data(), payload.size());
  return out;
}

Decoded decode_frame(std::span<const std::uint8_t> bytes, std::uint64_t longest) {
  if (bytes.size() < header_size) return {};
  Wire wire;
  std::memcpy(&wire, bytes.data(), header_size);
  if (const std::string fault = fault_of(wire, longest); !fault.empty()) return bad(fault);

  Decoded out;
  out.size = header_size + wire.length;
  if (bytes.size() < out.size) return out;
  out.payload = bytes.subspan(header_size, wire.length);
  if (checksum_of(wire, out.payload) != wire.checksum) return bad("a frame's checksum does not match its content");
  out.state = Decoded::State::frame;
  out.header = {static_cast<FrameKind>(wire.kind), wire.sender, wire.type, wire.round, wire.length};
  return out;
}

std::array<std::uint8_t, 48> to_bytes(const Join& join) {
  std::array<std::uint8_t, 48> out;
  std::memcpy(out.data(), &join.rank, 4);
  std::memcpy(out.data() + 4, &join.workers, 4);
  std::memcpy(out.data() + 8, &join.instance, 8);
  std::memcpy(out.data() + 16, join.nonce.data(), join.nonce.size());
  return out;
}

bool read_join(std::span<const std::uint8_t> payload, Join& out) {
  if (payload.size() != 48) return false;
  std::memcpy(&out.rank, payload.data(), 4);
  std::memcpy(&out.workers, payload.data() + 4, 4);
  std::memcpy(&out.instance, payload.data() + 8, 8);
  std::memcpy(out.nonce.data(), payload.data() + 16, out.nonce.size());
  return true;
}

std::vector<std::uint8_t> to_reject(Refusal refusal, std::string_view text) {
  std::vector<std::uint8_t> out(4 + text.size());
  std::memcpy(out.data(), &refusal, 4);
  std::memcpy(out.data() + 4, text.data(), text.size());
  return out;
}

Reject read_reject(std::span<const std::uint8_t> payload) {
  Reject out;
  if (payload.size() < 4) return out;
  std::uint32_t refusal = 0;
  std::memcpy(&refusal, payload.data(), 4);
  if (refusal == static_cast<std::uint32_t>(Refusal::rank_taken)) out.refusal = Refusal::rank_taken;
  if (refusal == static_cast<std::uint32_t>(Refusal::come_again)) out.refusal = Refusal::come_again;
  out.text.assign(payload.begin() + 4, payload.end());
  // It is shown on a terminal before anybody has proved who he is.
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  std::replace_if(out.text.begin(), out.text.end(), is_control, '?');
  return out;
}

}  // namespace threepc::tcp
