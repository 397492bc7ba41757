// Splits: every row at most once, the same everywhere, and what each name promises about labels.
#include "data/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "plugin/host_services.hpp"
#include "plugin/instances.hpp"

namespace {

using Rows = std::vector<std::uint32_t>;

Rows rows_of(const SplitOptions& options, std::uint32_t workers, std::uint32_t worker,
             const std::vector<double>& labels, std::uint64_t seed = 5) {
  tpc_setup raw{};
  raw.workers = workers;
  raw.worker = worker;
  raw.stream = 1;
  raw.seed = seed;
  return rows_of_worker(options, tpc::Setup(threepc::host_services(), raw), labels.size(), labels, "FILE");
}

std::vector<Rows> all_rows_of(const SplitOptions& options, std::uint32_t workers, const std::vector<double>& labels) {
  std::vector<Rows> out;
  for (std::uint32_t i = 0; i < workers; ++i) out.push_back(rows_of(options, workers, i, labels));
  return out;
}

/// 1003 rows of ten classes, mixed.
std::vector<double> labels() {
  std::vector<double> out(1003);
  for (std::size_t r = 0; r < out.size(); ++r) out[r] = static_cast<double>(r * 7 % 10);
  return out;
}

class EverySplit : public testing::TestWithParam<const char*> {};

TEST_P(EverySplit, GivesEachRowToAtMostOneWorkerAndTheSameEveryTime) {
  for (const std::uint32_t n : {1u, 7u, 1003u}) {
    const std::vector<Rows> shards = all_rows_of({GetParam()}, n, labels());
    std::set<std::uint32_t> seen;
    std::size_t total = 0;
    for (const Rows& shard : shards) {
      EXPECT_FALSE(shard.empty());
      seen.insert(shard.begin(), shard.end());
      total += shard.size();
    }
    EXPECT_EQ(seen.size(), total) << "a row went to two workers";
    EXPECT_LT(*seen.rbegin(), 1003u);
    EXPECT_EQ(total, 1003 / n * n);
    EXPECT_EQ(all_rows_of({GetParam()}, n, labels()), shards);
  }
}

TEST_P(EverySplit, RefusesFewerRowsThanWorkers) { EXPECT_THROW(rows_of({GetParam()}, 4, 0, {1, 2, 1}), tpc::Corrupt); }

INSTANTIATE_TEST_SUITE_P(Split, EverySplit, testing::Values("order", "shuffled", "label", "dirichlet"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Split, OrderIsContiguousAndDropsTheRemainder) {
  EXPECT_EQ(rows_of({"order"}, 3, 1, std::vector<double>(8)), (Rows{2, 3}));
  EXPECT_EQ(rows_of({"order"}, 3, 2, std::vector<double>(8)), (Rows{4, 5}));
}

TEST(Split, ShuffledDependsOnTheSeedAlone) {
  const std::vector<double> none(100);
  const Rows first = rows_of({"shuffled"}, 2, 0, none), other = rows_of({"shuffled"}, 2, 0, none, 6);
  EXPECT_NE(first, other);
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
}

/// The mean position of what worker 0 holds is that of a uniform choice: 499.5, with a standard error of 9.1.
TEST(Split, ShuffledIsUniform) {
  double mean = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Rows rows = rows_of({"shuffled"}, 20, 0, std::vector<double>(1000), seed);
    mean += std::accumulate(rows.begin(), rows.end(), 0.0) / 50 / static_cast<double>(rows.size());
  }
  EXPECT_NEAR(mean, 499.5, 7 * 288.7 / std::sqrt(2500.0));
}

TEST(Split, ByLabelAWorkerSeesFewClasses) {
  const std::vector<double> classes = labels();
  for (const Rows& shard : all_rows_of({"label"}, 10, classes)) {
    std::set<double> seen;
    for (const std::uint32_t r : shard) seen.insert(classes[r]);
    EXPECT_LE(seen.size(), 2u);
  }
}

/// 4000 rows, a quarter of them of class 1, the rest of class 0.
std::vector<double> two_classes() {
  std::vector<double> out(4000);
  for (std::size_t r = 0; r < out.size(); r += 4) out[r] = 1;
  return out;
}

/// The variance over seeds of the share of class 1 in worker 0's shard of 200 rows; the mean is expected to be p = 1/4.
double variance_of_share(double alpha) {
  const std::vector<double> classes = two_classes();
  constexpr int seeds = 2000;
  double mean = 0, square = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    double share = 0;
    for (const std::uint32_t r : rows_of({"dirichlet", alpha}, 20, 0, classes, seed)) share += classes[r] / 200;
    mean += share / seeds;
    square += share * share / seeds;
  }
  EXPECT_NEAR(mean, 0.25, 7 * std::sqrt(square - mean * mean) / std::sqrt(seeds));
  return square - mean * mean;
}

/// Of q ~ Dir(alpha p) the share q_1 has the variance p (1 - p) / (alpha + 1); 200 draws from it add
/// (p (1 - p) - that) / 200. Class 1 has 1000 rows, so that it never runs out.
TEST(Split, DirichletSharesHaveTheVarianceOfTheDistribution) {
  for (const double alpha : {0.5, 5.0, 100.0}) {
    const double of_share = 0.1875 / (alpha + 1), want = of_share + (0.1875 - of_share) / 200;
    EXPECT_NEAR(variance_of_share(alpha) / want, 1, 0.2) << alpha;
  }
}

TEST(Split, DirichletOfASmallAlphaGivesAWorkerOneClass) {
  const std::vector<double> classes = two_classes();
  const Rows shard = rows_of({"dirichlet", 0.01}, 20, 0, classes);
  for (const std::uint32_t r : shard) EXPECT_EQ(classes[r], classes[shard.front()]);
}

TEST(Split, DirichletOfRealTargetsIsRefused) {
  std::vector<double> targets(1001);
  std::iota(targets.begin(), targets.end(), 0.0);
  EXPECT_THROW(rows_of({"dirichlet"}, 2, 0, targets), tpc::BadParameter);
}

TEST(Split, ReplicatedGivesEveryWorkerEverything) {
  EXPECT_EQ(rows_of({"replicated"}, 5, 3, {1, 2, 1}), (Rows{0, 1, 2}));
}

TEST(Split, ByLabelNeedsLabels) {
  tpc_setup raw{};
  raw.workers = 1;
  const tpc::Setup setup(threepc::host_services(), raw);
  EXPECT_THROW(rows_of_worker({"label"}, setup, 10, {}, "FILE"), tpc::BadParameter);
  EXPECT_THROW(rows_of_worker({"dirichlet"}, setup, 10, {}, "FILE"), tpc::BadParameter);
  EXPECT_NO_THROW(rows_of_worker({"shuffled"}, setup, 10, {}, "FILE"));
}

}  // namespace
