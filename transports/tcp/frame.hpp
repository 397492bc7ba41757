// Frames of the TCP transport, as docs/wire-format.md specifies them. Pure functions of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace threepc::tcp {

enum class FrameKind : std::uint16_t {
  join = 1,
  accept = 2,
  reject = 3,
  message = 4,
  goodbye = 5,
  challenge = 6,
  proof = 7
};

struct FrameHeader {
  FrameKind kind;
  std::uint32_t sender = 0;  // member: 0 the server, i + 1 worker i
  std::uint32_t type = 0;    // of a message, opaque here
  std::uint64_t round = 0;   // of a message, opaque here
  std::uint64_t length = 0;  // of the payload, bytes
};

inline constexpr std::size_t header_size = 40;
using Nonce = std::array<std::uint8_t, 32>;

/// Header and payload as they go onto the socket.
std::vector<std::uint8_t> to_frame(FrameHeader header, std::span<const std::uint8_t> payload);

/// What the beginning of a byte stream holds.
struct Decoded {
  enum class State { incomplete, frame, bad } state = State::incomplete;
  FrameHeader header{FrameKind::message};
  std::span<const std::uint8_t> payload;  // inside the bytes given
  std::size_t size = 0;                   // of the whole frame; known as soon as its header is there
  std::string fault;                      // why it is bad, for a person
};

/// Decodes the first frame of `bytes`, which come from a stranger. A header is judged as soon as it is there:
/// magic, version, kind, and a length of at most `longest`; the checksum when the payload is complete.
Decoded decode_frame(std::span<const std::uint8_t> bytes, std::uint64_t longest);

/// Whether a stream begins as TLS does.
inline bool is_tls(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x16 && bytes[1] == 0x03;
}

/// JOIN's payload. A worker that joins again from the process it joined from before says so by the same `instance`.
struct Join {
  std::uint32_t rank;
  std::uint32_t workers;
  std::uint64_t instance;  // random
  Nonce nonce;             // random; what the server's proof of the token answers to
};
std::array<std::uint8_t, 48> to_bytes(const Join& join);
/// False if the payload has not its size.
bool read_join(std::span<const std::uint8_t> payload, Join& out);

enum class Refusal : std::uint32_t {
  final = 1,       // it would be the same next time
  rank_taken = 2,  // until the server notices that the worker which has the rank is gone, if it is
  come_again = 3   // it had no time for this one
};

/// REJECT's payload: the kind of refusal, then text for a person.
std::vector<std::uint8_t> to_reject(Refusal refusal, std::string_view text);
struct Reject {
  Refusal refusal = Refusal::final;
  std::string text;
};
/// Of any bytes: what is no refusal is final and without text. The text has no control characters.
Reject read_reject(std::span<const std::uint8_t> payload);

}  // namespace threepc::tcp
