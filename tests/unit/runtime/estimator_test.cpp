// Minibatches and momentum: what a worker takes for its gradient.
#include "method/estimator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <threepc/sdk.hpp>

namespace threepc {
namespace {

constexpr std::uint64_t shard = 5;

/// Row r pulls x towards (r, 10 r): grad = x - mean of these points.
template <class T>
class Points {
 public:
  static constexpr tpc::About about = {.id = "points", .version = "1.0.0", .summary = "For this test."};
  static constexpr auto params = tpc::params();
  Points(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Facts facts() const { return {.dim = 2, .rows = shard}; }
  void start(std::span<T> x0) const { std::fill(x0.begin(), x0.end(), T{0}); }
  double evaluate(const tpc::Context& context, std::span<const T> x, std::span<T> gradient, bool) {
    const std::uint64_t rows[shard] = {0, 1, 2, 3, 4};
    evaluate_rows(context, x, rows, gradient);
    return 7;
  }
  void evaluate_rows(const tpc::Context&, std::span<const T> x, std::span<const std::uint64_t> rows,
                     std::span<T> gradient) {
    T mean = 0;
    for (const std::uint64_t row : rows) mean += static_cast<T>(row) / static_cast<T>(rows.size());
    gradient[0] = x[0] - mean;
    gradient[1] = x[1] - 10 * mean;
  }
};

/// The same without rows.
template <class T>
class Closed : public Points<T> {
 public:
  using Points<T>::Points;
  tpc::Facts facts() const { return {.dim = 2}; }
};

const PluginSpec& points() {
  static const PluginSpec spec{&tpc::problem<Points>, "test", "problem", {}, {}, {}};
  return spec;
}

class EstimatorTest : public testing::TestWithParam<tpc_dtype> {
 protected:
  Problem problem(std::uint32_t worker = 0, std::uint64_t seed = 1) const {
    return {points(), {GetParam(), 2, 2, worker, seed}, 1};
  }
  static double entry(const RawVector& v, std::uint32_t i) {
    return v.dtype() == TPC_F32 ? double{static_cast<const float*>(v.data())[i]}
                                : static_cast<const double*>(v.data())[i];
  }
  /// The first coordinates of the estimates of `rounds` rounds at x = 0.
  std::vector<double> estimates(const Problem& of, const RunConfig& config, std::uint64_t rounds) const {
    Estimator estimator(config, of, shard);
    const RawVector x(GetParam(), 2);
    std::vector<double> out;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      double value = 0;
      estimator.next(of.context(round, of.membership().worker, 0.1), x.data(), &value);
      EXPECT_EQ(value, 7);
      EXPECT_FLOAT_EQ(static_cast<float>(entry(estimator.truth(), 0)), -2) << "the true gradient at x = 0";
      EXPECT_FLOAT_EQ(static_cast<float>(entry(estimator.point(), 1)),
                      static_cast<float>(10 * entry(estimator.point(), 0)));
      out.push_back(entry(estimator.point(), 0));
    }
    return out;
  }
};

TEST_P(EstimatorTest, IsTheGradientUnlessAskedOtherwise) {
  EXPECT_THAT(estimates(problem(), {}, 3), testing::Each(testing::DoubleNear(-2, 1e-6)));
}

TEST_P(EstimatorTest, MinibatchesAreUnbiasedAndTheWorkersOwn) {
  RunConfig config;
  config.batch = 2;
  const std::vector<double> drawn = estimates(problem(), config, 4000);
  double mean = 0, square = 0;
  for (const double g : drawn) mean += g / 4000, square += g * g / 4000;
  // One row has variance 2, a mean of two has 1; seven standard errors of 4000 draws.
  EXPECT_NEAR(mean, -2, 7 / std::sqrt(4000.0));
  EXPECT_NEAR(square - mean * mean, 1, 0.15);
  EXPECT_EQ(estimates(problem(), config, 50), estimates(problem(), config, 50)) << "the same seed, the same rows";
  EXPECT_NE(estimates(problem(0), config, 50), estimates(problem(1), config, 50));
  EXPECT_NE(estimates(problem(0, 1), config, 50), estimates(problem(0, 2), config, 50));
}

TEST_P(EstimatorTest, MomentumAveragesFromTheFirstGradientOn) {
  RunConfig config;
  config.momentum = 0.25;
  const Problem of = problem();
  Estimator averaging(config, of, shard);
  double expected = 0;
  for (std::uint64_t round = 0; round < 6; ++round) {
    RawVector x(GetParam(), 2);
    const double at = static_cast<double>(round);
    GetParam() == TPC_F32 ? static_cast<float*>(x.data())[0] = static_cast<float>(at)
                          : static_cast<double*>(x.data())[0] = at;
    averaging.next(of.context(round, 0, 0.1), x.data(), nullptr);
    expected = round == 0 ? at - 2 : 0.75 * expected + 0.25 * (at - 2);
    EXPECT_NEAR(entry(averaging.point(), 0), expected, 1e-5) << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Dtype, EstimatorTest, testing::Values(TPC_F32, TPC_F64),
                         [](const auto& test) { return test.param == TPC_F32 ? "f32" : "f64"; });

TEST(Estimator, AProblemWithoutRowsRefusesMinibatches) {
  const PluginSpec spec{&tpc::problem<Closed>, "test", "problem", {}, {}, {}};
  const Problem problem(spec, {TPC_F64, 2, 1, 0, 1}, 1);
  RunConfig config;
  config.batch = 2;
  EXPECT_THROW(Estimator(config, problem, 0), Failure);
}

}  // namespace
}  // namespace threepc
