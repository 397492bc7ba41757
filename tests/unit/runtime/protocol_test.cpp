#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "members/channel.hpp"

namespace threepc {
namespace {

TEST(Protocol, AFailureKeepsItsCodeAndTextAcrossTheNetwork) {
  const Bytes bytes = to_failure_message(Failure(Exit::data, "data/phishing:17: no label"));
  const Failure back = from_failure_message(bytes, "worker 3");
  EXPECT_EQ(back.code(), Exit::data);
  EXPECT_STREQ(back.what(), "worker 3: data/phishing:17: no label");
}

TEST(Protocol, AHostileFailureMessageIsStillALostPeer) {
  for (const Bytes& bytes : {Bytes{}, Bytes{1}, Bytes{0xff, 0xff, 0xff, 0xff}, Bytes{0, 0, 0, 0, 'x'}})
    EXPECT_EQ(from_failure_message(bytes, "worker 0").code(), Exit::peer);
}

TEST(Protocol, FactsAreReadBack) {
  const WorkerFacts sent{.dim = 68, .has_curvature = true, .L_i = 0.25, .blocks = {{8, 8}, {4, 1}}};
  Bytes bytes = to_bytes(sent);
  const std::size_t size = bytes.size();
  bytes.push_back(7);
  std::span<const std::uint8_t> rest = bytes;
  const WorkerFacts facts = take_worker_facts(rest);
  EXPECT_EQ(facts.dim, 68u);
  EXPECT_TRUE(facts.has_curvature);
  EXPECT_EQ(facts.L_i, 0.25);
  EXPECT_TRUE(std::isnan(facts.L_minus));
  EXPECT_EQ(facts.blocks, sent.blocks);
  EXPECT_EQ(rest.size(), 1u);
  for (std::size_t cut = 0; cut < size; ++cut) {
    rest = {bytes.data(), cut};
    EXPECT_THROW(take_worker_facts(rest), Failure) << cut;
  }
}

TEST(Protocol, BlocksThatDoNotCoverTheVectorAreRefused) {
  constexpr std::uint32_t huge = UINT32_MAX;
  const std::vector<std::vector<tpc::Block>> hostile = {
      {{8, 8}}, {{8, 8}, {4, 2}}, {{0, 5}, {68, 1}}, {{huge, huge}, {huge, 2}, {69, 1}}};  // the last adds up to 68
  for (const std::vector<tpc::Block>& blocks : hostile) {
    const Bytes bytes = to_bytes({.dim = 68, .blocks = blocks});
    std::span<const std::uint8_t> rest = bytes;
    EXPECT_THROW(take_worker_facts(rest), Failure) << blocks.size() << " blocks";
  }
}

TEST(Protocol, ADimensionThatNoRunHasIsRefused) {
  for (const std::uint32_t dim : {0u, UINT32_MAX}) {
    const Bytes bytes = to_bytes({.dim = dim});
    std::span<const std::uint8_t> rest = bytes;
    EXPECT_THROW(take_worker_facts(rest), Failure) << dim;
  }
}

TEST(Protocol, AFailureFitsAScreen) {
  const Bytes bytes = to_failure_message(Failure(Exit::data, std::string(100'000, 'x')));
  EXPECT_LT(std::strlen(from_failure_message(bytes, "worker 3").what()), 2100u);
}

TEST(Protocol, AFailureCannotCommandATerminal) {
  const Bytes bytes = to_failure_message(Failure(Exit::data, "\x1b[2Jgone\nreally \u00e9"));
  EXPECT_STREQ(from_failure_message(bytes, "worker 3").what(), "worker 3: ?[2Jgone\nreally \u00e9");
}

}  // namespace
}  // namespace threepc
