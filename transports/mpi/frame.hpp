// Frames of the MPI transport, as docs/wire-format.md specifies them. Pure functions of bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace threepc::mpi {

using Bytes = std::vector<std::uint8_t>;

enum class FrameKind : std::uint16_t { join = 1, accept = 2, reject = 3, message = 4, goodbye = 5, announcement = 6 };

struct FrameHeader {
  FrameKind kind;
  std::uint32_t type = 0;    // of a message, opaque here
  std::uint64_t round = 0;   // of a message, opaque here
  std::uint64_t length = 0;  // of the payload, bytes
};

/// A multiple of 8, so that the payload behind it is aligned for any value.
inline constexpr std::size_t header_size = 32;

/// The header alone, whose length speaks of bytes that come in another way.
Bytes to_header(const FrameHeader& header);
/// Header and payload as MPI carries them, in place of what `out` holds; header.length is the payload's.
void write_frame(FrameHeader header, std::span<const std::uint8_t> payload, Bytes& out);
/// The header in front of `bytes`. Throws tpc::Corrupt for anything else than a frame of at most `longest` bytes.
FrameHeader read_header(std::span<const std::uint8_t> bytes, std::uint64_t longest);

}  // namespace threepc::mpi
