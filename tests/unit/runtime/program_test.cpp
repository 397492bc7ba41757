#include "method/program.hpp"

#include <gtest/gtest.h>

#include <random>

#include "failure.hpp"

namespace threepc {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes program(const std::vector<std::pair<std::uint32_t, std::size_t>>& operations) {
  Bytes out;
  ProgramWriter writer(out);
  for (const auto& [codec, size] : operations) {
    writer.begin(codec == 0 ? OperationKind::reset : OperationKind::add, codec);
    writer.bytes().insert(writer.bytes().end(), size, static_cast<std::uint8_t>(codec));
  }
  return out;
}

TEST(Program, AnEmptyOneIsSkip) {
  EXPECT_TRUE(program({}).empty());
  EXPECT_TRUE(parse_program({}).empty());
}

TEST(Program, OneOperationCostsOneByte) { EXPECT_EQ(program({{1, 100}}).size(), 101u); }

TEST(Program, HasTheSpecifiedBytes) {
  EXPECT_EQ(program({{0, 2}}), (Bytes{0x06, 0, 0}));
  EXPECT_EQ(program({{2, 1}, {1, 1}}), (Bytes{0x11, 1, 2, 0x0d, 1}));
}

TEST(Program, IsReadBackAsWritten) {
  for (const std::size_t size : {0, 1, 127, 128, 16383, 16384, 100000}) {
    const Bytes bytes = program({{2, size}, {31, 3}, {0, size}});
    const std::vector<Operation> operations = parse_program(bytes);
    ASSERT_EQ(operations.size(), 3u);
    EXPECT_EQ(operations[0].payload.size(), size);
    EXPECT_EQ(operations[1].codec, 31u);
    EXPECT_EQ(operations[2].kind, OperationKind::reset);
    EXPECT_EQ(operations[2].payload.size(), size);
  }
}

TEST(Program, RefusesMalformedBytes) {
  const std::vector<Bytes> malformed = {
      {0x00},   {0x03}, {0x01}, {0x01, 5, 1}, {0x01, 0x80}, {0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
      {0x01, 0}};
  for (const Bytes& bytes : malformed) EXPECT_THROW(parse_program(bytes), Failure) << static_cast<int>(bytes[0]);
}

TEST(Program, SurvivesRandomBytes) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 100000; ++trial) {
    Bytes bytes(random() % 40);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    try {
      std::size_t used = 0;
      for (const Operation& operation : parse_program(bytes)) used += 1 + operation.payload.size();
      EXPECT_LE(used, bytes.size());
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Exit::peer);
    }
  }
}

}  // namespace
}  // namespace threepc
