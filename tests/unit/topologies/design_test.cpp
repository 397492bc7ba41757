// Designed mixing matrices: optima that are known in closed form, the reference's table, and no better neighbour.
#include "design/design.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>

namespace design {
namespace {

using std::numbers::pi;
using Links = std::vector<Candidate>;

Links path(std::uint32_t n) {
  Links out;
  for (std::uint32_t k = 0; k + 1 < n; ++k) out.push_back({k, k + 1, 0.01, 0});
  return out;
}

Links ring(std::uint32_t n) {
  Links out = path(n);
  out.push_back({0, n - 1, 0.01, 0});
  return out;
}

Links complete(std::uint32_t n, double price) {
  Links out;
  for (std::uint32_t u = 0; u < n; ++u)
    for (std::uint32_t v = u + 1; v < n; ++v) out.push_back({u, v, 0, price});
  return out;
}

/// The sum that is to be least.
double value(std::uint32_t n, const Links& links, const std::vector<double>& weights) {
  double out = spread(n, links, weights);
  for (std::size_t e = 0; e < links.size(); ++e) out += links[e].price * weights[e];
  return out;
}

double optimum(std::uint32_t n, const Links& links) { return value(n, links, weights(n, links)); }

bool allowed(std::uint32_t n, const Links& links, const std::vector<double>& weights) {
  std::vector<double> kept(n, 1);
  for (std::size_t e = 0; e < links.size(); ++e) {
    if (weights[e] < links[e].least) return false;
    kept[links[e].u] -= weights[e], kept[links[e].v] -= weights[e];
  }
  return *std::min_element(kept.begin(), kept.end()) >= least_own;
}

TEST(Design, OfAPathIsHalfOnEachLink) {
  for (const std::uint32_t n : {2u, 3u, 6u, 17u}) {
    const Links links = path(n);
    const std::vector<double> weights = design::weights(n, links);
    for (const double weight : weights) EXPECT_NEAR(weight, 0.5, 1e-4) << n;
    EXPECT_NEAR(spread(n, links, weights), std::cos(pi / n), 1e-5) << n;
  }
}

/// Eigenvalues 1 - 2 w (1 - cos(2 pi k / n)), of which the second largest and the smallest have the same modulus.
TEST(Design, OfAnEvenRingBalancesBothEndsOfTheSpectrum) {
  for (const std::uint32_t n : {4u, 8u, 20u}) {
    const double slow = 2 - 2 * std::cos(2 * pi / n), weight = 2 / (slow + 4);
    const Links links = ring(n);
    const std::vector<double> weights = design::weights(n, links);
    for (const double one : weights) EXPECT_NEAR(one, weight, 1e-3) << n;
    EXPECT_NEAR(spread(n, links, weights), 1 - slow * weight, 1e-6) << n;
  }
}

/// Equal weights w are optimal, by symmetry and convexity: |1 - n w| + price w n (n - 1) / 2, linear up to w = 1 / n.
TEST(Design, OfACompleteGraphAveragesUntilItsPriceIsTooHigh) {
  for (const std::uint32_t n : {2u, 6u, 11u})
    for (const double price : {0.0, 0.5 / n, 5.0})
      EXPECT_NEAR(optimum(n, complete(n, price)), std::min(1.0, price * (n - 1) / 2), 1e-5) << n << " at " << price;
}

/// A star's eigenvalues are 1 - w and 1 - n w: w = 1 / (n - 1) is as much as its centre has.
TEST(Design, OfAStarGivesAllThatTheCentreHas) {
  Links links;
  for (std::uint32_t k = 1; k < 6; ++k) links.push_back({0, k, 0, 0});
  EXPECT_NEAR(optimum(6, links), 1 - 1.0 / 5, 1e-5);
}

TEST(Design, IsAllowedAndHasNoBetterNeighbour) {
  Links links = complete(7, 0.2);
  for (std::size_t e = 0; e < links.size(); e += 3) links[e].least = 0.05, links[e].price = 0;
  const std::vector<double> best = weights(7, links);
  EXPECT_TRUE(allowed(7, links, best));
  for (std::size_t from = 0; from < links.size(); ++from)
    for (std::size_t to = 0; to < links.size(); ++to) {
      std::vector<double> other = best;
      other[from] -= 1e-3, other[to] += 1e-3;
      if (!allowed(7, links, other)) continue;
      EXPECT_GE(value(7, links, other), value(7, links, best) - 1e-6);
    }
}

/// A cheap detour: needed links alone would do worse, and the price of the others is worth it up to where it is not.
TEST(Design, LeavesOutLinksAtAPriceThatNobodyPays) {
  Links links = complete(8, 10);
  for (Candidate& one : links)
    if (one.v == one.u + 1 || (one.u == 0 && one.v == 7)) one.least = 0.01, one.price = 0;
  const std::vector<double> weights = design::weights(8, links);
  for (std::size_t e = 0; e < links.size(); ++e) EXPECT_TRUE(links[e].price == 0 || weights[e] < 1e-6) << weights[e];
  EXPECT_NEAR(spread(8, links, weights), optimum(8, ring(8)), 1e-5);
}

TEST(Design, OfNobodyAndOfOneAreNothing) {
  EXPECT_TRUE(weights(1, {}).empty());
  EXPECT_NEAR(spread(1, {}, {}), 0, 1e-15);
}

TEST(Design, IsTheSameEveryTime) { EXPECT_EQ(weights(9, complete(9, 0.1)), weights(9, complete(9, 0.1))); }

/// Links that are possible in the reference's designs have weights there, all of which are needed.
TEST(Design, IsAsGoodAsTheReferences) {
  std::ifstream in(std::string(THREEPC_TEST_SOURCES) + "/reference/topology_design.json");
  const nlohmann::json table = nlohmann::json::parse(in);
  ASSERT_EQ(table["designs"].size(), 4);
  for (const nlohmann::json& entry : table["designs"]) {
    const std::string name = entry["name"];
    const auto n = static_cast<std::uint32_t>(entry["C"].size());
    const Links links = name.starts_with("path") ? path(n) : ring(n);
    const double seen = optimum(n, links), expected = entry["value"];
    EXPECT_NEAR(seen, expected, 2e-3) << name;
    EXPECT_LT(seen, expected + 1e-5) << name;
  }
}

}  // namespace
}  // namespace design
