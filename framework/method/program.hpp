// The replayed message: a program of add, reset and lend operations over the codecs of a mechanism. An empty
// program is "skip". The bytes are specified in docs/wire-format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace threepc {

enum class OperationKind : std::uint8_t { add = 1, reset = 2, lend = 3 };

/// One operation of a parsed program; the payload points into the message.
struct Operation {
  OperationKind kind;
  std::uint32_t codec;  // 0: dense; otherwise the compressor with this number
  std::span<const std::uint8_t> payload;
};

inline constexpr std::uint32_t dense_codec = 0;
inline constexpr std::uint32_t most_codecs = 31;

/// Writes a program. begin() opens an operation, whose payload the caller then appends to bytes().
class ProgramWriter {
 public:
  explicit ProgramWriter(std::vector<std::uint8_t>& out) : out_(&out) { out.clear(); }
  void begin(OperationKind kind, std::uint32_t codec);
  std::vector<std::uint8_t>& bytes() { return *out_; }
  std::size_t payload_begin() const { return payload_; }

 private:
  std::vector<std::uint8_t>* out_;
  std::size_t header_ = 0;   // of the operation in progress
  std::size_t payload_ = 0;  // where its payload begins; 0: no operation yet
};

/// Throws Failure(Exit::peer) for malformed bytes; they come from the network.
std::vector<Operation> parse_program(std::span<const std::uint8_t> bytes);
/// The same into `out`, whose memory is used again.
void parse_program(std::span<const std::uint8_t> bytes, std::vector<Operation>& out);

/// The place of the last reset; what comes before it has no effect on g_i. -1: the program does not reset.
std::ptrdiff_t last_reset(const std::vector<Operation>& operations);

}  // namespace threepc
