#include "runtime/protocol.hpp"

#include <gtest/gtest.h>

#include <cmath>

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
  const Bytes bytes = to_bytes({.dim = 68, .blocks = {{8, 8}}});
  std::span<const std::uint8_t> rest = bytes;
  EXPECT_THROW(take_worker_facts(rest), Failure);
}

}  // namespace
}  // namespace threepc
