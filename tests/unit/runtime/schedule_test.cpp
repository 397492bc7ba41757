#include "method/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace threepc {
namespace {

using Kind = Schedule::Kind;

TEST(Schedule, ConstantIsOne) {
  for (const std::uint64_t round : {0u, 1u, 99u}) EXPECT_EQ(schedule_factor({}, round, 100), 1.0);
}

TEST(Schedule, WarmupGrowsLinearlyToOneAndThenTheScheduleBegins) {
  const Schedule schedule{.kind = Kind::inverse_sqrt, .warmup = 4};
  EXPECT_EQ(schedule_factor(schedule, 0, 100), 0.25);
  EXPECT_EQ(schedule_factor(schedule, 3, 100), 1.0);
  EXPECT_EQ(schedule_factor(schedule, 4, 100), 1.0);
  EXPECT_EQ(schedule_factor(schedule, 7, 100), 0.5);
}

TEST(Schedule, InverseIsHalvedAfterDecayEveryRounds) {
  const Schedule schedule{.kind = Kind::inverse, .decay_every = 50};
  EXPECT_EQ(schedule_factor(schedule, 0, 100), 1.0);
  EXPECT_EQ(schedule_factor(schedule, 50, 100), 0.5);
  EXPECT_EQ(schedule_factor(schedule, 150, 100), 0.25);
}

TEST(Schedule, CosineFallsFromOneToZero) {
  const Schedule schedule{.kind = Kind::cosine, .warmup = 10};
  EXPECT_EQ(schedule_factor(schedule, 10, 110), 1.0);
  EXPECT_NEAR(schedule_factor(schedule, 60, 110), 0.5, 1e-15);
  EXPECT_NEAR(schedule_factor(schedule, 110, 110), 0.0, 1e-15);
  EXPECT_EQ(schedule_factor({.kind = Kind::cosine, .warmup = 10}, 10, 5), 1.0) << "a run shorter than its warm-up";
}

TEST(Schedule, StepDecaysEverySoManyRounds) {
  const Schedule schedule{.kind = Kind::step, .decay_every = 3, .decay_factor = 0.1};
  EXPECT_EQ(schedule_factor(schedule, 2, 100), 1.0);
  EXPECT_EQ(schedule_factor(schedule, 3, 100), 0.1);
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 8, 100), 0.01);
}

}  // namespace
}  // namespace threepc
