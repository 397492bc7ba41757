// The yardstick of the suites: it must refuse a wrong constant and accept the right one.
#include "sample.hpp"

#include <gtest/gtest.h>

#include "vectors.hpp"

namespace threepc::conformance {
namespace {

Sample squared_normals(std::uint32_t count) {
  Sample sample;
  for (const double value : gaussian(count, 5)) sample.add(value * value);
  return sample;
}

TEST(Sample, AcceptsTheTrueMean) {
  EXPECT_FALSE(squared_normals(2000).exceeds(1, 0));
  EXPECT_FALSE(squared_normals(2000).differs_from(1, 0));
}

TEST(Sample, RefusesAConstantThatIsTooGood) {
  EXPECT_TRUE(squared_normals(2000).exceeds(0.7, 0));
  EXPECT_TRUE(squared_normals(2000).differs_from(0.7, 0));
  EXPECT_TRUE(squared_normals(2000).differs_from(1.3, 0));
}

TEST(Sample, GivesDeterministicValuesNoAllowance) {
  Sample sample;
  for (int i = 0; i < 100; ++i) sample.add(0.5);
  EXPECT_TRUE(sample.exceeds(0.5 - 1e-12, 0));
  EXPECT_FALSE(sample.exceeds(0.5, 0));
}

}  // namespace
}  // namespace threepc::conformance
