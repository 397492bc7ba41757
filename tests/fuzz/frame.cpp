// What arrives at a TCP port: frames one after another, and the payloads of those that open a connection.
#include "tcp/frame.hpp"

#include <vector>

#include "target.hpp"

namespace threepc::tcp {
namespace {

using fuzz::promise;
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t longest = 1 << 16;

void check_join(Bytes payload) {
  Join join{};
  if (!read_join(payload, join)) return;
  const auto again = to_bytes(join);
  promise(std::equal(again.begin(), again.end(), payload.begin(), payload.end()), "a join is what its bytes say");
}

/// Its bytes, and nothing else, are what the frame says.
void check_frame(const Decoded& frame, Bytes bytes) {
  promise(frame.size <= bytes.size(), "a frame ends inside the bytes");
  promise(frame.header.length == frame.payload.size() && frame.header.length <= longest, "a payload within the limit");
  const std::vector<std::uint8_t> again = to_frame(frame.header, frame.payload);
  promise(
      std::equal(again.begin(), again.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(frame.size)),
      "a frame is what its bytes say");
  check_join(frame.payload);
}

void decode_stream(Bytes bytes) {
  for (;;) {
    const Decoded frame = decode_frame(bytes, longest);
    if (frame.state == Decoded::State::bad) fuzz::promise_message(frame.fault);
    if (frame.state != Decoded::State::frame) return;
    check_frame(frame, bytes);
    bytes = bytes.subspan(frame.size);
  }
}

}  // namespace
}  // namespace threepc::tcp

/// Once as the bytes are, and once as the payload of a join with the right checksum, which a fuzzer does not guess.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc::tcp;
  decode_stream({data, size});
  if (size <= longest) decode_stream(to_frame({FrameKind::join, 1}, {data, size}));
  return 0;
}
