// Frames as bytes: what is written is read, and nothing else is.
#include "tcp/frame.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace threepc::tcp {
namespace {

using Bytes = std::vector<std::uint8_t>;
using State = Decoded::State;

constexpr std::uint64_t longest = 1 << 20;

Bytes some_payload(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + 3);
  return out;
}

Bytes small_frame() { return to_frame({FrameKind::message, 3, 0x01020304, 0x1122334455667788}, some_payload(5)); }

void expect_round_trip(FrameKind kind, std::size_t size) {
  const Bytes payload = some_payload(size);
  Bytes bytes = to_frame({kind, 17, 0xFFFFFFFF, 1ull << 63}, payload);
  ASSERT_EQ(bytes.size(), header_size + size);
  bytes.push_back(0x54);  // the next frame has begun
  const Decoded frame = decode_frame(bytes, longest);
  ASSERT_EQ(frame.state, State::frame) << frame.fault;
  EXPECT_EQ(frame.header.kind, kind);
  EXPECT_EQ(frame.header.sender, 17u);
  EXPECT_EQ(frame.header.type, 0xFFFFFFFFu);
  EXPECT_EQ(frame.header.round, 1ull << 63);
  EXPECT_EQ(frame.header.length, size);
  EXPECT_EQ(frame.size, header_size + size);
  EXPECT_EQ(Bytes(frame.payload.begin(), frame.payload.end()), payload);
}

TEST(Frame, IsReadAsItWasWritten) {
  for (const auto kind : {FrameKind::join, FrameKind::accept, FrameKind::reject, FrameKind::message, FrameKind::goodbye,
                          FrameKind::challenge, FrameKind::proof})
    for (const std::size_t size : {0, 1, 2, 8, 39, 40, 41, 1000, 1 << 20}) expect_round_trip(kind, size);
}

TEST(Frame, HasTheseBytes) {
  const Bytes golden = {
      0x54, 0x33, 0x50, 0x46,                          // magic "T3PF"
      0x02, 0x00,                                      // version 2
      0x04, 0x00,                                      // kind: message
      0x03, 0x00, 0x00, 0x00,                          // sender
      0x04, 0x03, 0x02, 0x01,                          // type
      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,  // round
      0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // length
      0x88, 0xB8, 0x31, 0x49, 0x40, 0xFB, 0x5E, 0x14,  // checksum
      0x03, 0x0A, 0x11, 0x18, 0x1F,                    // payload
  };
  EXPECT_EQ(small_frame(), golden);
}

TEST(Frame, EveryTruncationIsIncomplete) {
  const Bytes bytes = small_frame();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(decode_frame({bytes.data(), size}, longest).state, State::incomplete) << size;
}

TEST(Frame, EveryFlippedBitIsNoticed) {
  const Bytes bytes = small_frame();
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_NE(decode_frame(damaged, longest).state, State::frame) << "bit " << bit;
    // A longer length waits for more; with more there, the checksum tells.
    damaged.resize(header_size + longest, 0xAB);
    EXPECT_EQ(decode_frame(damaged, longest).state, State::bad) << "bit " << bit;
  }
}

TEST(Frame, AHeaderIsJudgedBeforeItsPayloadIsThere) {
  const auto damaged = [](std::size_t at, std::uint8_t value) {
    Bytes bytes = small_frame();
    bytes.resize(header_size);
    bytes[at] = value;
    return decode_frame(bytes, longest);
  };
  EXPECT_NE(damaged(0, 'G').fault.find("magic"), std::string::npos);
  EXPECT_NE(damaged(4, 1).fault.find("version 1, expected 2"), std::string::npos);
  EXPECT_NE(damaged(6, 0).fault.find("kind"), std::string::npos);
  EXPECT_NE(damaged(6, 8).fault.find("kind"), std::string::npos);
  EXPECT_NE(damaged(31, 0x80).fault.find("9223372036854775813 bytes"), std::string::npos);
  EXPECT_EQ(damaged(39, 0).state, State::incomplete);
}

TEST(Frame, TheLimitIsInclusive) {
  const Bytes bytes = to_frame({FrameKind::message}, some_payload(100));
  EXPECT_EQ(decode_frame(bytes, 100).state, State::frame);
  EXPECT_EQ(decode_frame(bytes, 99).state, State::bad);
}

TEST(Frame, RandomBytesAreNeverAFrame) {
  std::mt19937_64 random(1);
  const Bytes valid = small_frame();
  for (int i = 0; i < 100'000; ++i) {
    // A copy of exactly this size, so that a sanitizer sees every read beyond it.
    Bytes bytes(random() % 200);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    // Half of them begin as a frame does, so that they come further.
    const std::size_t begin = i % 2 == 0 ? 0 : std::min<std::size_t>(bytes.size(), random() % header_size);
    if (begin > 0) std::memcpy(bytes.data(), valid.data(), begin);
    EXPECT_NE(decode_frame(bytes, longest).state, State::frame);
    EXPECT_NE(decode_frame(bytes, UINT64_MAX).state, State::frame);
  }
}

TEST(Frame, AJoinHasExactlyItsSize) {
  Nonce nonce{};
  nonce.back() = 9;
  const auto bytes = to_bytes(Join{7, 0x01020304, 0x1122334455667788, nonce});
  ASSERT_EQ(bytes.size(), 48u);
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 16),
            (Bytes{7, 0, 0, 0, 4, 3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}));
  Join join{};
  EXPECT_TRUE(read_join(bytes, join));
  EXPECT_EQ(join.rank, 7u);
  EXPECT_EQ(join.workers, 0x01020304u);
  EXPECT_EQ(join.instance, 0x1122334455667788u);
  EXPECT_EQ(join.nonce, nonce);
  for (const std::size_t size : {0, 8, 47, 49, 100}) EXPECT_FALSE(read_join(some_payload(size), join)) << size;
}

TEST(Frame, ARejectIsReadAsItWasWrittenButShowsNoControlCharacters) {
  const Reject taken = read_reject(to_reject(Refusal::rank_taken, "rank 1"));
  EXPECT_EQ(taken.refusal, Refusal::rank_taken);
  EXPECT_EQ(taken.text, "rank 1");
  EXPECT_EQ(read_reject(to_reject(Refusal::final, "\x1b[2Jgone\n")).text, "?[2Jgone?");
  for (const std::size_t size : {0, 3}) EXPECT_EQ(read_reject(some_payload(size)).text, "") << size;
  EXPECT_EQ(read_reject(some_payload(8)).refusal, Refusal::final);
}

}  // namespace
}  // namespace threepc::tcp
