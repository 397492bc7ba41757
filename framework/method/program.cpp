#include "method/program.hpp"

#include <array>
#include <string>

#include "failure.hpp"

namespace threepc {
namespace {

// The first byte of an operation: bits 0-1 the kind, bit 2 "last", bits 3-7 the codec.
constexpr std::uint8_t last_flag = 4;

[[noreturn]] void malformed(const std::string& what) { throw Failure(Exit::peer, "malformed message: " + what); }

/// LEB128: seven bits a byte, low first, the high bit says that more follow. 2^42 is far above any payload.
std::uint64_t take_length(std::span<const std::uint8_t>& bytes) {
  std::uint64_t length = 0;
  for (unsigned shift = 0; shift < 42; shift += 7) {
    if (bytes.empty()) malformed("it ends inside a length");
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    length |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return length;
  }
  malformed("a length has more than six bytes");
}

}  // namespace

/// An operation is written as the last one. When another follows, its flag is taken back and its length is
/// put between header and payload: most messages have one operation and pay one byte.
void ProgramWriter::begin(OperationKind kind, std::uint32_t codec) {
  if (payload_ != 0) {
    (*out_)[header_] &= static_cast<std::uint8_t>(~last_flag);
    std::array<std::uint8_t, 6> length{};
    std::size_t used = 0;
    for (std::uint64_t rest = out_->size() - payload_; used == 0 || rest > 0; rest >>= 7)
      length.at(used++) = static_cast<std::uint8_t>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    out_->insert(out_->begin() + static_cast<std::ptrdiff_t>(payload_), length.begin(), length.begin() + used);
  }
  header_ = out_->size();
  out_->push_back(static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | last_flag | codec << 3));
  payload_ = out_->size();
}

std::vector<Operation> parse_program(std::span<const std::uint8_t> bytes) {
  std::vector<Operation> operations;
  parse_program(bytes, operations);
  return operations;
}

void parse_program(std::span<const std::uint8_t> bytes, std::vector<Operation>& operations) {
  operations.clear();
  bool last = bytes.empty();
  while (!last) {
    if (bytes.empty()) malformed("no operation is marked as the last");
    const std::uint8_t header = bytes.front();
    bytes = bytes.subspan(1);
    const unsigned kind = header & 3;
    if (kind == 0) malformed("unknown operation 0");
    last = (header & last_flag) != 0;
    const std::uint64_t length = last ? bytes.size() : take_length(bytes);
    if (length > bytes.size())
      malformed("a payload of " + std::to_string(length) + " bytes, " + std::to_string(bytes.size()) + " left");
    operations.push_back(
        {static_cast<OperationKind>(kind), static_cast<std::uint32_t>(header >> 3), bytes.first(length)});
    bytes = bytes.subspan(length);
  }
}

std::ptrdiff_t last_reset(const std::vector<Operation>& operations) {
  for (auto i = static_cast<std::ptrdiff_t>(operations.size()) - 1; i >= 0; --i)
    if (operations[static_cast<std::size_t>(i)].kind == OperationKind::reset) return i;
  return -1;
}

}  // namespace threepc
