// Frames of the TCP transport, as docs/wire-format.md specifies them. Pure functions of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace threepc::tcp {

enum class FrameKind : std::uint16_t { join = 1, accept = 2, reject = 3, message = 4, goodbye = 5 };

struct FrameHeader {
  FrameKind kind;
  std::uint32_t sender = 0;  // member: 0 the server, i + 1 worker i
  std::uint32_t type = 0;    // of a message, opaque here
  std::uint64_t round = 0;   // of a message, opaque here
  std::uint64_t length = 0;  // of the payload, bytes
};

inline constexpr std::size_t header_size = 40;

/// Header and payload as they go onto the socket.
std::vector<std::uint8_t> to_frame(FrameHeader header, std::span<const std::uint8_t> payload);

/// What the beginning of a byte stream holds.
struct Decoded {
  enum class State { incomplete, frame, bad } state = State::incomplete;
  FrameHeader header{FrameKind::message};
  std::span<const std::uint8_t> payload;  // inside the bytes given
  std::size_t size = 0;                   // of the whole frame
  std::string fault;                      // why it is bad, for a person
};

/// Decodes the first frame of `bytes`, which come from a stranger. A header is judged as soon as it is there:
/// magic, version, kind, and a length of at most `longest`; the checksum when the payload is complete.
Decoded decode_frame(std::span<const std::uint8_t> bytes, std::uint64_t longest);

/// JOIN's payload.
struct Join {
  std::uint32_t rank;
  std::uint32_t workers;
};
std::array<std::uint8_t, 8> to_bytes(const Join& join);
/// False if the payload has not its size.
bool read_join(std::span<const std::uint8_t> payload, Join& out);

}  // namespace threepc::tcp
