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
  const WorkerFacts facts = worker_facts(to_bytes({.dim = 68, .has_curvature = true, .L_i = 0.25, .L_minus = NAN}));
  EXPECT_EQ(facts.dim, 68u);
  EXPECT_TRUE(facts.has_curvature);
  EXPECT_EQ(facts.L_i, 0.25);
  EXPECT_TRUE(std::isnan(facts.L_minus));
  EXPECT_THROW(worker_facts(Bytes(worker_facts_size - 1)), Failure);
}

}  // namespace
}  // namespace threepc
