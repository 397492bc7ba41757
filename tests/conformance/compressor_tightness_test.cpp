// The constants are neither promises too good nor idle: each is met, up to a few per cent, by a vector made for it.
#include <gtest/gtest.h>

#include <algorithm>

#include "roundtrip.hpp"
#include "sample.hpp"

namespace threepc::conformance {
namespace {

using Values = std::vector<double>;

/// A compressor and a vector on which it does as badly as its constants say.
struct Worst {
  const char* name;
  Request request;
  Values v;
  std::uint32_t workers = 1;
  double slack = 1e-6;  // relative, of the constant against the measured error
  std::vector<tpc::Block> blocks = {};
};

std::ostream& operator<<(std::ostream& out, const Worst& worst) { return out << worst.name; }

Values flat(std::uint32_t dim, double value = 3) { return Values(dim, value); }

Values first_and_rest(double first, std::uint32_t rest, double value) {
  Values v(rest + 1, value);
  v[0] = first;
  return v;
}

Values joined(Values a, const Values& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Request dithering(const std::string& id, std::int64_t levels, const std::string& norm) {
  return {id, {{"levels", levels}, {"norm", norm}}};
}

/// For q = inf: one coordinate of size 1 and `rest` of the size that maximises the error below the first level u.
Values worst_of_max_norm(std::uint32_t rest, double u) {
  const double lambda = (std::sqrt(1 + rest * u * u) - 1) / 2;
  return first_and_rest(1, rest, u / (2 * (1 + lambda)));
}

Values unit_matrix(std::uint32_t side) {
  return from_index(side * side, [&](auto i) { return i % (side + 1) == 0 ? 2.0 : 0.0; });
}

const std::vector<Worst>& worst_cases() {
  const std::int64_t one = 1, two = 2, four = 4;
  const double tau = 0.3, below = tau * (1 - 1e-6);
  static const std::vector<Worst> all = {
      {"identity", {"identity"}, flat(5)},
      {"topk", {"topk", {{"fraction", 0.1}}}, flat(1000)},
      {"topk_block",
       {"topk", {{"k", one}, {"per", std::string("block")}, {"block_size", four}}},
       joined(flat(4), flat(6, 0))},
      {"topk_layer",
       {"topk", {{"k", two}, {"per", std::string("layer")}}},
       joined(flat(12), flat(8, 0)),
       1,
       1e-6,
       {{3, 4}, {8, 1}}},
      {"randk", {"randk", {{"fraction", 0.1}}}, flat(50)},
      {"crandk", {"randk", {{"fraction", 0.1}, {"scaled", false}}}, flat(50)},
      {"permk", {"permk"}, flat(8), 4},
      {"permk_padded", {"permk"}, flat(10), 4},
      {"permk_more_workers", {"permk"}, flat(3), 8},
      {"cpermk", {"permk", {{"scaled", false}}}, flat(8), 4},
      {"cpermk_more_workers", {"permk", {{"scaled", false}}}, flat(3), 8},
      {"bernoulli", {"bernoulli", {{"p", 0.4}}}, flat(5)},
      {"cbernoulli", {"bernoulli", {{"p", 0.4}, {"scaled", false}}}, flat(5)},
      {"natural", {"natural"}, flat(1000, 4.0 / 3)},
      {"dithering_1_coarse", dithering("dithering", 4, "1"), flat(12)},
      {"dithering_1_fine", dithering("dithering", 3, "1"), flat(2)},
      {"dithering_2_coarse", dithering("dithering", 4, "2"), flat(1000)},
      {"dithering_2_between", dithering("dithering", 4, "2"), flat(64)},
      {"dithering_2_fine", dithering("dithering", 4, "2"), joined(flat(10, 1), flat(6, 3))},
      {"dithering_inf", dithering("dithering", 4, "inf"), worst_of_max_norm(64, 0.25)},
      {"terngrad", {"terngrad"}, worst_of_max_norm(100, 1)},
      {"natural_dithering_1", dithering("natural_dithering", 8, "1"), flat(1000)},
      {"natural_dithering_2_coarse", dithering("natural_dithering", 3, "2"), flat(1000)},
      {"natural_dithering_2_between", dithering("natural_dithering", 3, "2"),
       first_and_rest(2.0 / 3, 44, std::sqrt(5.0 / 9 / 44)), 1, 0.05},
      {"natural_dithering_2_fine", dithering("natural_dithering", 8, "2"), flat(9), 1, 0.01},
      {"natural_dithering_inf_coarse", dithering("natural_dithering", 3, "inf"), worst_of_max_norm(64, 0.25)},
      {"natural_dithering_inf_fine", dithering("natural_dithering", 8, "inf"), first_and_rest(1, 1000, 2.0 / 3), 1,
       0.01},
      {"sign", {"sign"}, first_and_rest(5, 63, 0)},
      {"threshold_absolute", {"threshold", {{"rule", std::string("absolute")}, {"tau", tau}}}, flat(10, below)},
      {"threshold_max",
       {"threshold", {{"rule", std::string("max")}, {"tau", tau}}},
       first_and_rest(1, 49, below),
       1,
       1e-4},
      {"threshold_rms",
       {"threshold", {{"rule", std::string("rms")}, {"tau", tau}}},
       first_and_rest(std::sqrt(50 - 49 * below * below), 49, below),
       1,
       1e-4},
      {"rankk_exact", {"rankk", {{"k", two}, {"exact", true}}}, unit_matrix(8), 1, 1e-6, {{8, 8}}},
  };
  return all;
}

class CompressorTightness : public ::testing::TestWithParam<std::tuple<Worst, tpc_dtype>> {};

TEST_P(CompressorTightness, ErrorOfTheWorstVectorIsTheConstant) {
  const auto& [worst, dtype] = GetParam();
  const auto dim = static_cast<std::uint32_t>(worst.v.size());
  const Roundtrip through(worst.request, dtype, dim, worst.workers, worst.blocks);
  const tpc::Constants constants = through.constants();
  const Values v = GuardedVector(dtype, worst.v).values();
  Sample error;
  for (std::uint64_t round = 1; round <= 20000 && (round <= 200 || error.allowance() > 0); ++round)
    error.add(relative_error(through(v, round), v));

  const double rounding = 1e-6;
  if (!std::isnan(constants.alpha)) {
    EXPECT_NEAR(1 - error.mean(), constants.alpha, worst.slack * constants.alpha + error.allowance() + rounding);
    EXPECT_LT(error.allowance(), 0.1 * constants.alpha + rounding) << "too few rounds to say anything";
  }
  if (!std::isnan(constants.omega)) {
    EXPECT_NEAR(error.mean(), constants.omega, worst.slack * constants.omega + error.allowance() + rounding);
    EXPECT_LT(error.allowance(), 0.1 * constants.omega + rounding) << "too few rounds to say anything";
  }
}

INSTANTIATE_TEST_SUITE_P(Compressor, CompressorTightness,
                         ::testing::Combine(::testing::ValuesIn(worst_cases()), ::testing::Values(TPC_F32, TPC_F64)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) +
                                  (std::get<1>(test.param) == TPC_F32 ? "_f32" : "_f64");
                         });

/// The power iteration promises nothing beyond "never worse": a flat spectrum leaves it almost that.
TEST(RankKPromise, FlatSpectrumLeavesLittle) {
  const Roundtrip through({"rankk", {{"k", std::int64_t{1}}}}, TPC_F64, 1600, 1, {{40, 40}});
  EXPECT_EQ(through.constants().alpha, 0);
  const double error = relative_error(through(unit_matrix(40), 1), unit_matrix(40));
  EXPECT_NEAR(error, 1 - 1.0 / 40, 1e-12);
}

/// The workers of a permk share out the coordinates, so together they err less than alone.
struct Team {
  std::uint32_t dim, workers;
};

class JointConstants : public ::testing::TestWithParam<Team> {};

TEST_P(JointConstants, AreMetExactly) {
  const std::uint32_t dim = GetParam().dim, workers = GetParam().workers;
  const Roundtrip through({"permk"}, TPC_F64, dim, workers);
  std::vector<Values> a;
  double squares = 0;  // mean ||a_i||^2
  Values mean(dim);
  for (std::uint32_t i = 0; i < workers; ++i) {
    a.push_back(from_index(dim, [&](auto j) { return 1 + 0.5 * gaussian(dim, 70 + i)[j]; }));
    squares += norm_sq(a[i]) / workers;
    for (std::uint32_t j = 0; j < dim; ++j) mean[j] += a[i][j] / workers;
  }
  Sample error;
  for (std::uint64_t round = 1; round <= 20000; ++round) {
    Values sum(dim);
    for (std::uint32_t i = 0; i < workers; ++i) {
      const Values sent = through(a[i], round, i);
      for (std::uint32_t j = 0; j < dim; ++j) sum[j] += sent[j] / workers;
    }
    error.add(norm_sq(minus(sum, mean)));
  }
  const tpc::Constants c = through.constants();
  const double bound = c.joint_A * squares - c.joint_B * norm_sq(mean);
  EXPECT_FALSE(error.differs_from(bound, 1e-9)) << error.mean() << " measured, " << bound << " expected";
  EXPECT_LT(error.allowance(), 0.1 * bound + 1e-9) << "too few rounds to say anything";
}

INSTANTIATE_TEST_SUITE_P(Compressor, JointConstants,
                         ::testing::Values(Team{8, 4}, Team{10, 4}, Team{4, 4}, Team{3, 8}, Team{3, 9}, Team{5, 7},
                                           Team{1, 4}, Team{6, 1}),
                         [](const auto& test) {
                           return "d" + std::to_string(test.param.dim) + "_n" + std::to_string(test.param.workers);
                         });

}  // namespace
}  // namespace threepc::conformance
