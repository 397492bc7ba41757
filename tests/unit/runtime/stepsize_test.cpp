// The step size from theory, against its formulas written out for one set of numbers, and why there is none.
#include "method/stepsize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "failure.hpp"

namespace threepc {
namespace {

using testing::HasSubstr;
using Of = DownlinkConfig::Of;

tpc::Constants constants(double A, double B, double B_spread = NAN) {
  tpc::Constants out;
  out.A = A;
  out.B = B;
  out.B_spread = B_spread;
  return out;
}

class Stepsize : public testing::Test {
 protected:
  Stepsize() {
    optimizer_.id = "gd";
    optimizer_.capabilities = TPC_GRADIENT_STEP;
    problem_.id = "flat";
    config_.optimizer.descriptor = &optimizer_;
    config_.problem.descriptor = &problem_;
  }

  double of(const Compression& up, const Compression* down = nullptr) {
    return theoretical_stepsize(config_, up, down, known_, [] { return 5.0; });
  }
  std::string refusal(const Compression& up, const Compression* down = nullptr) {
    try {
      of(up, down);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Exit::usage);
      return failure.what();
    }
    ADD_FAILURE() << "no refusal";
    return "";
  }

  tpc_descriptor optimizer_ = {}, problem_ = {};
  RunConfig config_;
  Smoothness known_ = {3, 2, NAN};
  Compression exact_ = {constants(1, 0), "exact"}, lossy_ = {constants(0.25, 0.5), "lossy"};
};

TEST_F(Stepsize, OneWay) {
  EXPECT_DOUBLE_EQ(of(exact_), 1.0 / 2);
  EXPECT_DOUBLE_EQ(of(lossy_), 1 / (2 + 3 * std::sqrt(0.5 / 0.25)));
  config_.mu = 0.1;
  EXPECT_DOUBLE_EQ(of(lossy_), 1 / (2 + 3 * std::sqrt(2 * 0.5 / 0.25)));
  config_.mu = 10;
  EXPECT_DOUBLE_EQ(of(lossy_), 0.25 / 20);
}

TEST_F(Stepsize, TheHessianVarianceTakesThePlaceOfSmoothness) {
  known_.spread = 1;
  const Compression marina = {constants(0.25, 0.5, 0.4), "marina"};
  EXPECT_DOUBLE_EQ(of(marina), 1 / (2 + std::sqrt((0.1 * 9 + 0.4 * 1) / 0.25)));
}

TEST_F(Stepsize, LooksForSmoothnessOnlyWhereItIsUnknown) {
  known_.L_minus = NAN;
  EXPECT_DOUBLE_EQ(of(exact_), 1.0 / 5);
  EXPECT_EQ(known_.L_minus, 5);
}

TEST_F(Stepsize, BothWays) {
  const double A = 0.25, B = 0.5, down_A = 0.125, down_B = 0.75;
  const Compression down = {constants(down_A, down_B), "down"};
  config_.downlink.of = Of::gradient;
  const double a = (1 + 3 * (2 - A) * down_B / down_A) / A;
  EXPECT_DOUBLE_EQ(of(lossy_, &down), 1 / (2 + std::sqrt(2 * 9 * (a * B + 3 * (1 + B) * down_B / down_A))));
  config_.downlink.of = Of::model;
  const double c = (4 + 3 * (2 - down_A) * 9 * B / A) / down_A;
  EXPECT_DOUBLE_EQ(of(lossy_, &down), 1 / (2 + std::sqrt(2 * (3 * (1 + down_B) * 9 * B / A + c * down_B))));
  EXPECT_DOUBLE_EQ(of(exact_, &down), 1 / (2 + 2 * std::sqrt(2 * down_B / down_A))) << "gd up";
}

TEST_F(Stepsize, ADownlinkThatLosesNothingChangesNothing) {
  for (const Of of_what : {Of::gradient, Of::model}) {
    config_.downlink.of = of_what;
    EXPECT_EQ(of(lossy_, &exact_), of(lossy_));
  }
}

TEST_F(Stepsize, SaysWhyThereIsNone) {
  const Compression unknown = {constants(NAN, NAN), "mechanism 'x'"};
  EXPECT_THAT(refusal(unknown), HasSubstr("the mechanism 'x' has no known constants A and B"));
  EXPECT_THAT(refusal(exact_, &unknown), HasSubstr("the mechanism 'x' has no known constants A and B"));
  known_.L_plus = NAN;
  EXPECT_THAT(refusal(exact_), HasSubstr("the problem 'flat' knows no smoothness constants"));
  known_ = {0, 0, NAN};
  EXPECT_THAT(refusal(exact_), HasSubstr("it is not finite"));
  config_.participation = 0.5;
  EXPECT_THAT(refusal(exact_), HasSubstr("participation"));
  config_.batch = 3;
  EXPECT_THAT(refusal(exact_), HasSubstr("[workers] batch"));
}

}  // namespace
}  // namespace threepc
