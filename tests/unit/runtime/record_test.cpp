#include <gtest/gtest.h>

#include <cmath>

#include "nearest.hpp"
#include "record/metrics.hpp"

namespace threepc {
namespace {

TEST(Metrics, ALineHasTheKeysInOrderAndNullForWhatIsUnavailable) {
  Metrics metrics;
  metrics.round = 3;
  metrics.f = INFINITY;
  metrics.grad_norm_sq = 4;
  EXPECT_EQ(
      to_json_line(metrics),
      R"({"round":3,"f":null,"grad_norm":2.0,"grad_norm_sq":4.0,"uplink_floats_per_worker":0.0,"uplink_bits_per_worker":0.0,)"
      R"("downlink_bits_per_worker":0.0,"wire_bytes":0,"skipped":0,"seconds":0.0})");
}

TEST(HashChain, DependsOnEveryVectorAndOnTheirOrder) {
  const double a = 1, b = 2;
  const auto chain = [](std::initializer_list<double> values) {
    HashChain hash;
    for (const double value : values) hash.add(&value, sizeof value);
    return hash.hex();
  };
  EXPECT_EQ(chain({a, b}), chain({a, b}));
  EXPECT_NE(chain({a, b}), chain({b, a}));
  EXPECT_NE(chain({a, b}), chain({a}));
  EXPECT_EQ(chain({a}).size(), 16u);
  EXPECT_NE(chain({0.0}), chain({-0.0}));
}

TEST(Nearest, SuggestsWhatIsNearAndNothingElse) {
  EXPECT_EQ(suggestion("zetta", {"zeta", "init"}), " (did you mean 'zeta'?)");
  EXPECT_EQ(suggestion("tokp", {"topk", "randk"}), " (did you mean 'topk'?)");
  EXPECT_EQ(suggestion("quantum", {"k", "fraction"}), "");
  EXPECT_EQ(suggestion(std::string(10'000'000, 'k'), {"k"}), "");
  EXPECT_EQ(listed({"b", "a", "b"}), "a, b");
  EXPECT_EQ(listed({}), "none");
}

}  // namespace
}  // namespace threepc
