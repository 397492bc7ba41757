#include "report/milestones.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace threepc::test {
namespace {

using report::milestones;
using report::RunRecord;
using report::Series;
using report::smallest_tolerance;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double unavailable = std::numeric_limits<double>::quiet_NaN();

RunRecord run_of(std::vector<double> grad_norm_sq) {
  RunRecord run;
  run.series = {{"round", {}}, {"grad_norm_sq", std::move(grad_norm_sq)}};
  for (std::size_t row = 0; row < run.series[1].values.size(); ++row)
    run.series[0].values.push_back(static_cast<double>(10 * row));
  return run;
}

/// The round of the first line that is as small as the tolerance, line by line; -1 for none.
double first_round(const RunRecord& run, double tolerance) {
  const std::vector<double>& values = run.series[1].values;
  for (std::size_t row = 0; row < values.size(); ++row)
    if (values[row] <= tolerance * tolerance) return run.series[0].values[row];
  return -1;
}

/// As the page reads it.
double round_at_milestone(const std::vector<Series>& found, double tolerance) {
  for (std::size_t row = 0; row < found[0].values.size(); ++row)
    if (found[0].values[row] <= tolerance) return found[1].values[row];
  return -1;
}

double decimal(int digits, int exponent) { return std::stod(std::to_string(digits) + "e" + std::to_string(exponent)); }

TEST(Milestones, TheSmallestToleranceHasTwoDigits) {
  EXPECT_EQ(smallest_tolerance(0), 0);
  EXPECT_EQ(smallest_tolerance(1), 1);
  EXPECT_EQ(smallest_tolerance(0.0625), 0.25);
  EXPECT_EQ(smallest_tolerance(0.0626), 0.26);
  EXPECT_EQ(smallest_tolerance(0.999), 1);
  EXPECT_EQ(smallest_tolerance(98.1 * 98.1), 99);
  EXPECT_EQ(smallest_tolerance(99.1 * 99.1), 100);
}

TEST(Milestones, EveryToleranceIsItsOwn) {
  for (int exponent = -150; exponent < 150; exponent += 7)
    for (int digits = 10; digits < 100; ++digits) {
      const double tolerance = decimal(digits, exponent);
      EXPECT_EQ(smallest_tolerance(tolerance * tolerance), tolerance);
    }
}

TEST(Milestones, TheLargestAndTheSmallestNumbersHaveOne) {
  for (const double value : {std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min()}) {
    const double tolerance = smallest_tolerance(value);
    EXPECT_GE(tolerance * tolerance, value);
    EXPECT_TRUE(std::isfinite(tolerance));
  }
}

TEST(Milestones, SayWhatSearchingAllLinesSays) {
  std::mt19937 random(7);
  std::lognormal_distribution<double> noise(0, 0.5);
  std::vector<double> values;
  for (int row = 0; row < 5000; ++row) values.push_back(100 * std::exp(-0.004 * row) * noise(random));
  const RunRecord run = run_of(values);
  const std::vector<Series> found = milestones(run);
  EXPECT_LT(found[0].values.size(), 600u);
  for (int exponent = -8; exponent < 3; ++exponent)
    for (int digits = 10; digits < 100; ++digits) {
      const double tolerance = decimal(digits, exponent);
      EXPECT_EQ(round_at_milestone(found, tolerance), first_round(run, tolerance)) << tolerance;
    }
}

TEST(Milestones, PassOverWhatIsUnavailableOrNoSquare) {
  const std::vector<Series> found = milestones(run_of({unavailable, -1, 4, 9, 1, unavailable, 0}));
  EXPECT_THAT(found[0].values, ElementsAre(2, 1, 0));
  EXPECT_THAT(found[1].values, ElementsAre(20, 40, 60));
  EXPECT_THAT(milestones(RunRecord{}), IsEmpty());
}

}  // namespace
}  // namespace threepc::test
