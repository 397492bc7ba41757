// What is particular to one compressor: the size of its payload, its rule, its handling of special values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/SVD>
#include <algorithm>
#include <set>

#include "failure.hpp"
#include "roundtrip.hpp"
#include "sample.hpp"

namespace threepc::conformance {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Values = std::vector<double>;
using ::testing::HasSubstr;

Request request(const std::string& id, std::map<std::string, Value> values = {}) { return {id, std::move(values)}; }
Value text(const char* value) { return std::string(value); }
Value count(std::int64_t value) { return value; }

/// What creating this compressor complains about.
std::string complaint(const Request& wrong, std::uint32_t dim, const std::vector<tpc::Block>& blocks = {}) {
  try {
    Roundtrip(wrong, TPC_F32, dim, 1, blocks);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    return failure.what();
  }
  return "nothing";
}

// ---- payloads: docs/compressors.md

struct Size {
  const char* name;
  Request request;
  std::uint32_t dim;
  std::size_t f32, f64;  // bytes of a Gaussian vector's payload
  std::uint32_t workers = 1;
  std::vector<tpc::Block> blocks = {};
};

std::ostream& operator<<(std::ostream& out, const Size& size) { return out << size.name; }

const Size sizes[] = {
    {"natural", request("natural"), 1000, 1125, 1500},
    {"natural_odd", request("natural"), 7, 8, 11},
    {"terngrad", request("terngrad"), 1000, 4 + 200, 8 + 200},
    {"terngrad_rest", request("terngrad"), 27, 4 + 4 + 2, 8 + 4 + 2},  // 20 symbols in 32 bits, 7 in 12
    {"dithering", request("dithering", {{"levels", count(4)}}), 1000, 4 + 400, 8 + 400},  // 10 of 9 in 32 bits
    {"natural_dithering", request("natural_dithering", {{"levels", count(3)}}), 11, 4 + 4,
     8 + 4},  // 11 of 7 in 31 bits
    {"sign", request("sign"), 1000, 4 + 125, 8 + 125},
    {"sign_odd", request("sign"), 9, 4 + 2, 8 + 2},
    {"permk", request("permk"), 1000, 1000, 2000, 4},
    {"permk_more_workers", request("permk"), 3, 4, 8, 7},
    {"bernoulli", request("bernoulli", {{"p", 1.0}}), 1000, 4000, 8000},
    {"threshold_none", request("threshold", {{"rule", text("absolute")}, {"tau", 1e9}}), 1000, 0, 0},
    {"threshold_all", request("threshold", {{"rule", text("absolute")}, {"tau", 1e-9}}), 1000, 4 + 4000, 4 + 8000},
    {"threshold_largest", request("threshold", {{"rule", text("max")}, {"tau", 1.0}}), 1000, 4 + 4 + 2, 4 + 8 + 2},
    {"topk", request("topk", {{"k", count(20)}}), 1000, 80 + 19, 160 + 19},
    {"topk_block", request("topk", {{"k", count(2)}, {"per", text("block")}, {"block_size", count(100)}}), 1000,
     80 + 18, 160 + 18},
    {"topk_layer",
     request("topk", {{"fraction", 0.1}, {"per", text("layer")}}),
     30,
     12 + 2,
     24 + 2,
     1,
     {{5, 4}, {10, 1}}},
    {"topk_bits", request("topk", {{"bits", count(1000)}}), 1000, 100 + 22, 104 + 13},
    {"topk_bits_all", request("topk", {{"bits", count(1 << 20)}}), 7, 28, 56},
    {"topk_bits_block", request("topk", {{"bits", count(200)}, {"per", text("block")}, {"block_size", count(4)}}), 8,
     24 + 1, 16 + 1},
    {"randk_bits", request("randk", {{"bits", count(1000)}}), 1000, 31 * 4, 15 * 8},
    {"rankk", request("rankk", {{"k", count(2)}}), 69, 4 * (32 + 5), 8 * (32 + 5), 1, {{8, 8}, {5, 1}}},
    {"rankk_whole", request("rankk", {{"k", count(4)}}), 64, 256, 512, 1, {{8, 8}}},
};

class PayloadSize : public ::testing::TestWithParam<Size> {};

TEST_P(PayloadSize, IsAsDocumented) {
  const Size& size = GetParam();
  const Values v = gaussian(size.dim, 21);
  EXPECT_EQ(Roundtrip(size.request, TPC_F32, size.dim, size.workers, size.blocks).encode(v, 1).size(), size.f32);
  EXPECT_EQ(Roundtrip(size.request, TPC_F64, size.dim, size.workers, size.blocks).encode(v, 1).size(), size.f64);
}

INSTANTIATE_TEST_SUITE_P(Compressor, PayloadSize, ::testing::ValuesIn(sizes),
                         [](const auto& test) { return std::string(test.param.name); });

// ---- who keeps everything is the identity, bit for bit

TEST(KeepsEverything, IsTheIdentity) {
  const Value always = 1.0, finest = 1e-30;
  const std::pair<Request, std::vector<tpc::Block>> everything[] = {
      {request("permk"), {}},
      {request("permk", {{"scaled", false}}), {}},
      {request("bernoulli", {{"p", always}}), {}},
      {request("threshold", {{"rule", text("absolute")}, {"tau", finest}}), {}},
      {request("threshold", {{"rule", text("max")}, {"tau", finest}}), {}},
      {request("topk", {{"k", count(16)}, {"per", text("block")}, {"block_size", count(16)}}), {}},
      {request("topk", {{"k", count(64)}, {"per", text("layer")}}), {{8, 8}, {6, 6}}},
      {request("rankk", {{"k", count(8)}}), {{8, 8}, {6, 6}}},
      {request("rankk", {{"k", count(8)}, {"exact", true}}), {{8, 8}, {6, 6}}},
      {request("rankk", {{"k", count(1)}}), {{1, 50}, {50, 1}}}};
  for (const auto& [all, blocks] : everything)
    for (const tpc_dtype dtype : {TPC_F32, TPC_F64}) {
      SCOPED_TRACE(all.id);
      const Values v = GuardedVector(dtype, gaussian(100, 22)).values();
      const Roundtrip through(all, dtype, 100, 1, blocks);
      EXPECT_EQ(through(v, 1), v);
      const tpc::Constants c = through.constants();
      EXPECT_TRUE(all.id == "threshold" || c.alpha == 1) << c.alpha;
    }
}

// ---- a run that diverges must not look as if it converged

TEST(Divergence, IsNotHiddenByQuantisers) {
  const Request quantisers[] = {request("natural"),
                                request("dithering"),
                                request("dithering", {{"norm", text("inf")}}),
                                request("natural_dithering"),
                                request("natural_dithering", {{"norm", text("1")}}),
                                request("terngrad"),
                                request("sign"),
                                request("bernoulli", {{"p", 1.0}}),
                                request("threshold", {{"rule", text("absolute")}}),
                                request("threshold", {{"rule", text("max")}}),
                                request("threshold", {{"rule", text("rms")}}),
                                request("rankk"),
                                request("rankk", {{"exact", true}})};
  for (const Request& quantiser : quantisers)
    for (const tpc_dtype dtype : {TPC_F32, TPC_F64})
      for (const double special : {double{INFINITY}, -double{INFINITY}, double{NAN}}) {
        SCOPED_TRACE(quantiser.id);
        const Roundtrip through(quantiser, dtype, 36, 1, {{6, 6}});
        Values v = gaussian(36, 23);
        v[17] = special;
        const Values out = through(v, 1);
        EXPECT_FALSE(std::all_of(out.begin(), out.end(), [](double value) { return std::isfinite(value); }));
        const Values next = through(gaussian(36, 24), 2);
        EXPECT_TRUE(std::all_of(next.begin(), next.end(), [](double value) { return std::isfinite(value); }));
      }
}

// ---- permk

TEST(PermK, WorkersShareOutTheCoordinates) {
  for (const auto& [dim, workers] : {std::pair{12u, 4u}, {13u, 4u}, {4u, 4u}, {100u, 7u}, {3u, 8u}, {1u, 3u}})
    for (std::uint64_t round = 1; round <= 20; ++round) {
      SCOPED_TRACE(dim);
      const Roundtrip through(request("permk", {{"scaled", false}}), TPC_F64, dim, workers);
      std::vector<std::uint32_t> keepers(dim);
      for (std::uint32_t worker = 0; worker < workers; ++worker) {
        const Values out = through(Values(dim, 1), round, worker);
        for (std::uint32_t j = 0; j < dim; ++j) keepers[j] += out[j] == 1 ? 1 : 0;
      }
      const auto [least, most] = std::minmax_element(keepers.begin(), keepers.end());
      EXPECT_EQ(*least, std::max(1u, workers / dim));
      EXPECT_EQ(*most, dim >= workers ? 1 : (workers + dim - 1) / dim);
    }
}

TEST(PermK, DecodesWorkersAndRoundsInAnyOrder) {
  const Roundtrip through(request("permk"), TPC_F64, 50, 3);
  const Values v = gaussian(50, 25);
  std::map<std::pair<std::uint64_t, std::uint32_t>, Values> sent;
  for (std::uint64_t round : {1u, 2u})
    for (std::uint32_t worker : {0u, 1u, 2u}) sent[{round, worker}] = through(v, round, worker);
  for (std::uint32_t worker : {2u, 0u, 1u})
    for (std::uint64_t round : {2u, 1u}) EXPECT_EQ(through(v, round, worker), (sent[{round, worker}]));
}

TEST(PermK, HasNoPartForTheServer) {
  const Roundtrip through(request("permk"), TPC_F64, 8, 4);
  EXPECT_THROW(through.decode(through.encode(gaussian(8, 1), 1), 1, TPC_SERVER), Failure);
}

// ---- natural

TEST(Natural, KeepsPowersOfTwoAndZero) {
  for (const tpc_dtype dtype : {TPC_F32, TPC_F64}) {
    const Values v = {0, 1, -1, 2, -0.5, 0x1p-126, 0x1p127, -0x1p100};
    const Roundtrip through(request("natural"), dtype, 8);
    for (std::uint64_t round = 1; round <= 20; ++round) EXPECT_EQ(through(v, round), v);
  }
}

TEST(Natural, ChoosesOneOfTheTwoNeighbours) {
  const Roundtrip through(request("natural"), TPC_F32, 3);
  std::set<Values> seen;
  for (std::uint64_t round = 1; round <= 200; ++round) seen.insert(through({3, -5, 0.3}, round));
  std::set<Values> expected;
  for (const double a : {2.0, 4.0})
    for (const double b : {-4.0, -8.0})
      for (const double c : {0.25, 0.5}) expected.insert({a, b, c});
  EXPECT_EQ(seen, expected);
}

TEST(Natural, StaysFiniteAtTheTopAndInfiniteBeyond) {
  const double top32 = std::numeric_limits<float>::max(), top64 = std::numeric_limits<double>::max();
  for (std::uint64_t round = 1; round <= 20; ++round) {
    EXPECT_EQ(Roundtrip(request("natural"), TPC_F32, 2)({top32, -INFINITY}, round), (Values{0x1p127, -INFINITY}));
    EXPECT_EQ(Roundtrip(request("natural"), TPC_F64, 2)({top64, INFINITY}, round), (Values{0x1p1023, INFINITY}));
  }
}

TEST(Natural, DenormalsGoToZeroOrTheSmallestNormalWithoutBias) {
  const Roundtrip through(request("natural"), TPC_F32, 1);
  Sample mean;  // in units of the smallest normal number
  for (std::uint64_t round = 1; round <= 4000; ++round) {
    const double out = through({0x1p-126 * 0.25}, round)[0] / 0x1p-126;
    EXPECT_TRUE(out == 0 || out == 1) << out;
    mean.add(out);
  }
  EXPECT_FALSE(mean.differs_from(0.25, 0)) << mean.mean();
}

// ---- ditherings

TEST(Dithering, LevelsAreThoseOfTheNorm) {
  const Values v = {3, -4, 0};  // norms 7, 5 and 4
  for (const auto& [norm, size] : {std::pair{"1", 7.0}, {"2", 5.0}, {"inf", 4.0}}) {
    SCOPED_TRACE(norm);
    const Roundtrip uniform(request("dithering", {{"levels", count(2)}, {"norm", text(norm)}}), TPC_F64, 3);
    const Roundtrip natural(request("natural_dithering", {{"levels", count(3)}, {"norm", text(norm)}}), TPC_F64, 3);
    for (std::uint64_t round = 1; round <= 50; ++round) {
      const Values by_halves = uniform(v, round), by_powers = natural(v, round);
      for (const double share : {by_halves[0] / size, -by_halves[1] / size})
        EXPECT_THAT(share, ::testing::AnyOf(0, 0.5, 1)) << share;
      for (const double share : {by_powers[0] / size, -by_powers[1] / size})
        EXPECT_THAT(share, ::testing::AnyOf(0.25, 0.5, 1)) << share;
      EXPECT_EQ(by_halves[2], 0);
      EXPECT_EQ(by_powers[2], 0);
    }
  }
}

TEST(Dithering, NormsNeitherOverflowNorVanish) {
  for (const char* norm : {"1", "2", "inf"})
    for (const double size : {1e-300, 1e300}) {
      const Roundtrip through(request("dithering", {{"levels", count(1 << 20)}, {"norm", text(norm)}}), TPC_F64, 4);
      const Values v = {size, -size / 2, 0, size / 4};
      EXPECT_LT(norm_sq(minus(Values{1, -0.5, 0, 0.25},
                              [&] {
                                Values out = through(v, 1);
                                for (double& value : out) value /= size;
                                return out;
                              }())),
                1e-10);
    }
}

TEST(Dithering, RefusesSymbolsOutsideItsAlphabet) {
  const Roundtrip through(request("terngrad"), TPC_F32, 20);
  Bytes payload = through.encode(gaussian(20, 1), 1);
  std::fill(payload.begin() + 4, payload.end(), 0xff);  // 2^32 - 1 >= 3^20
  try {
    through.decode(payload, 1);
    FAIL() << "a group of symbols that does not exist was decoded";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("alphabet of 3"));
  }
}

// ---- what no encoder writes

/// What the server says to `bad`.
std::string refusal(const Roundtrip& by, const Bytes& bad) {
  try {
    by.decode(bad, 1);
    return "accepted";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::peer);
    return failure.what();
  }
}

TEST(NeverWritten, NegativeMagnitudes) {
  for (const char* id : {"sign", "terngrad", "dithering", "natural_dithering"}) {
    const Roundtrip through(request(id), TPC_F64, 20);
    Bytes payload = through.encode(gaussian(20, 1), 1);
    payload[7] |= 0x80;  // the sign of the norm, or of the mean
    EXPECT_THAT(refusal(through, payload), HasSubstr("negative")) << id;
  }
}

TEST(NeverWritten, ShiftsThatNoNumberHas) {
  for (const auto& [dtype, over] : {std::pair{TPC_F32, 250}, {TPC_F64, 1500}})
    for (const int shift : {over, -2000, INT16_MIN}) {
      const Roundtrip through(request("cast"), dtype, 5);
      Bytes payload = through.encode(gaussian(5, 1), 1);
      const auto raw = static_cast<std::int16_t>(shift);
      std::memcpy(payload.data(), &raw, sizeof raw);
      EXPECT_THAT(refusal(through, payload), HasSubstr("a shift of")) << shift;
    }
}

TEST(NeverWritten, CodesOfAVectorThatBroke) {
  const Roundtrip through(request("cast"), TPC_F64, 5);
  Bytes payload = through.encode(Values(5, NAN), 1);
  EXPECT_EQ(refusal(through, payload), "accepted");
  payload.back() = 1;
  EXPECT_THAT(refusal(through, payload), HasSubstr("broke"));
}

// ---- threshold

TEST(Threshold, KeepsWhatItsRuleSays) {
  const Values v = {4, -2, 1, 0, -1.5};  // ||v|| / sqrt(5) = 2.157
  const auto kept = [&](const char* rule, double tau) {
    return Roundtrip(request("threshold", {{"rule", text(rule)}, {"tau", tau}}), TPC_F64, 5)(v, 1);
  };
  EXPECT_EQ(kept("absolute", 1.5), (Values{4, -2, 0, 0, -1.5}));
  EXPECT_EQ(kept("absolute", 5), Values(5));
  EXPECT_EQ(kept("max", 0.5), (Values{4, -2, 0, 0, 0}));
  EXPECT_EQ(kept("max", 1), (Values{4, 0, 0, 0, 0}));
  EXPECT_EQ(kept("rms", 1), (Values{4, 0, 0, 0, 0}));
  EXPECT_EQ(kept("rms", 0.5), (Values{4, -2, 0, 0, -1.5}));
}

TEST(Threshold, RelativeRulesAlwaysKeepTheLargest) {
  for (std::uint32_t dim = 1; dim <= 50; ++dim) {
    const Values v(dim, 0.1);
    EXPECT_EQ(Roundtrip(request("threshold", {{"tau", 1.0}}), TPC_F64, dim)(v, 1), v) << dim;
  }
}

TEST(Threshold, RefusesARelativeTauAboveOne) {
  EXPECT_THAT(complaint(request("threshold", {{"rule", text("max")}, {"tau", 1.5}}), 5),
              ::testing::AllOf(::testing::StartsWith("compressor.tau: "), HasSubstr("1.5"), HasSubstr("absolute")));
  EXPECT_EQ(complaint(request("threshold", {{"rule", text("absolute")}, {"tau", 1.5}}), 5), "nothing");
}

TEST(Threshold, RefusesImpossiblePositions) {
  const Roundtrip few(request("threshold", {{"rule", text("absolute")}, {"tau", 1.0}}), TPC_F32, 100);
  Values two(100);
  two[3] = two[90] = 2;
  const Bytes good = few.encode(two, 1);  // count, two values, two indices of 7 bits
  const auto expect_refusal = [&](const Roundtrip& by, Bytes bad, const char* words) {
    try {
      by.decode(bad, 1);
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Failure& failure) {
      EXPECT_THAT(failure.what(), HasSubstr(words));
    }
  };
  Bytes twice = good;
  twice[12] = 3 | 0x80, twice[13] = 1;  // 3 and 3
  expect_refusal(few, twice, "index 3 is not in 4 .. 100 - 1");
  Bytes beyond = good;
  beyond[12] = 120;
  expect_refusal(few, beyond, "index 120");
  Bytes many = good;
  many[0] = 101;
  expect_refusal(few, many, "101 coordinates kept, of 100");

  const Values most = from_index(100, [](auto i) { return i % 2 == 0 ? 2.0 : 0.0; });  // a mask of 100 bits
  Bytes mask = few.encode(most, 1);
  mask[mask.size() - 13] = 0xff;
  expect_refusal(few, mask, "54 positions are marked, not 50");
}

// ---- topk in parts

TEST(TopKParts, KeepTheLargestOfEachPart) {
  const Values v = {9, 8, 7, 6, 1, 2, 3, 4, 0, -5};
  const auto kept = [&](std::map<std::string, Value> values, const std::vector<tpc::Block>& blocks = {}) {
    return Roundtrip(request("topk", std::move(values)), TPC_F64, 10, 1, blocks)(v, 1);
  };
  EXPECT_EQ(kept({{"k", count(1)}, {"per", text("block")}, {"block_size", count(4)}}),
            (Values{9, 0, 0, 0, 0, 0, 0, 4, 0, -5}));
  EXPECT_EQ(kept({{"k", count(3)}, {"per", text("block")}, {"block_size", count(4)}}),
            (Values{9, 8, 7, 0, 0, 2, 3, 4, 0, -5}))
      << "the last block is smaller than k";
  EXPECT_EQ(kept({{"fraction", 0.25}, {"per", text("layer")}}, {{2, 3}, {4, 1}}),
            (Values{9, 8, 0, 0, 0, 0, 0, 0, 0, -5}));
  EXPECT_EQ(kept({{"k", count(2)}, {"per", text("layer")}}), kept({{"k", count(2)}})) << "a problem without layers";
  EXPECT_EQ(kept({{"k", count(2)}, {"per", text("block")}, {"block_size", count(1000)}}), kept({{"k", count(2)}}));
}

TEST(TopKParts, ComplainOfWhatDoesNotFit) {
  EXPECT_THAT(complaint(request("topk", {{"k", count(1)}, {"per", text("block")}}), 10),
              HasSubstr("compressor.block_size: per = \"block\" needs block_size"));
  EXPECT_THAT(complaint(request("topk", {{"k", count(1)}, {"block_size", count(4)}}), 10),
              HasSubstr("compressor.block_size: "));
  EXPECT_THAT(complaint(request("topk", {{"k", count(5)}, {"per", text("block")}, {"block_size", count(4)}}), 10),
              HasSubstr("compressor.k: k = 5 exceeds the size of the largest part = 4"));
}

TEST(BitBudget, NamesTheLeastThatHoldsAnything) {
  EXPECT_THAT(complaint(request("topk", {{"bits", count(47)}}), 1000),
              HasSubstr("compressor.bits: bits = 47 is too few: the smallest payload has 48 bits"));
  EXPECT_EQ(complaint(request("topk", {{"bits", count(48)}}), 1000), "nothing");
  EXPECT_THAT(complaint(request("randk", {{"bits", count(31)}}), 1000), HasSubstr("32 bits"));
  EXPECT_THAT(complaint(request("topk", {{"bits", count(480)}, {"k", count(3)}}), 1000),
              HasSubstr("compressor.bits: give one of k, fraction and bits; more than one is given"));
  EXPECT_THAT(complaint(request("randk"), 1000), HasSubstr("none is given"));
}

// ---- rankk

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix matrix(const Values& v, std::uint32_t rows, std::uint32_t columns) {
  return Eigen::Map<const Matrix>(v.data(), rows, columns);
}

Values values_of(const Matrix& m) { return {m.data(), m.data() + m.size()}; }

/// ||M - best approximation of rank k||^2 / ||M||^2
double best_error(const Matrix& m, Eigen::Index k) {
  const Eigen::VectorXd s = Eigen::JacobiSVD<Eigen::MatrixXd>(m).singularValues();
  return s.tail(s.size() - k).squaredNorm() / s.squaredNorm();
}

/// A matrix with singular values 1, 1/2, 1/4, ...
Matrix decaying(std::uint32_t rows, std::uint32_t columns) {
  const Matrix random = matrix(gaussian(rows * columns, 31), rows, columns);
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(random, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const Eigen::VectorXd s =
      Eigen::VectorXd::NullaryExpr(std::min(rows, columns), [](Eigen::Index i) { return std::pow(0.5, i); });
  return svd.matrixU() * s.asDiagonal() * svd.matrixV().transpose();
}

Request rank(std::int64_t k, bool exact) { return {"rankk", {{"k", k}, {"exact", exact}}}; }

TEST(RankK, ExactIsTheBestApproximation) {
  for (const auto& [rows, columns] : {std::pair{12u, 7u}, {7u, 12u}, {30u, 30u}}) {
    const Matrix m = decaying(rows, columns);
    const Roundtrip through(rank(2, true), TPC_F64, rows * columns, 1, {{rows, columns}});
    EXPECT_NEAR(relative_error(through(values_of(m), 1), values_of(m)), best_error(m, 2), 1e-12);
  }
}

TEST(RankK, WarmStartComesCloseToTheBestApproximation) {
  const Matrix m = decaying(20, 15);
  const Roundtrip through(rank(2, false), TPC_F64, 300, 1, {{20, 15}});
  const double first = relative_error(through(values_of(m), 1), values_of(m));
  double last = first;
  for (std::uint64_t round = 2; round <= 30; ++round) {
    const double now = relative_error(through(values_of(m), round), values_of(m));
    EXPECT_LE(now, last * (1 + 1e-12)) << "the power iteration of a fixed matrix improves";
    last = now;
  }
  EXPECT_GT(first, best_error(m, 2) * 1.01) << "one step is not enough, or this shows nothing";
  EXPECT_NEAR(last, best_error(m, 2), 1e-9);
}

TEST(RankK, MatricesOfThatRankPassUnharmed) {
  const Matrix m = matrix(gaussian(40, 32), 20, 2) * matrix(gaussian(30, 33), 2, 15);
  for (const bool exact : {false, true})
    for (const std::int64_t k : {2, 3}) {
      const Roundtrip through(rank(k, exact), TPC_F64, 300, 1, {{20, 15}});
      EXPECT_LT(relative_error(through(values_of(m), 1), values_of(m)), 1e-24) << k;
    }
}

TEST(RankK, RecoversFromZeroAndFromNan) {
  const Matrix m = matrix(gaussian(20, 34), 20, 1) * matrix(gaussian(15, 35), 1, 15);
  const Roundtrip through(rank(2, false), TPC_F32, 300, 1, {{20, 15}});
  EXPECT_EQ(through(Values(300), 1), Values(300));
  EXPECT_LT(relative_error(through(values_of(m), 2), values_of(m)), 1e-10);
  EXPECT_TRUE(std::isnan(through(Values(300, NAN), 3)[0]));
  EXPECT_LT(relative_error(through(values_of(m), 4), values_of(m)), 1e-10);
  EXPECT_EQ(through(Values(300), 5), Values(300));
  EXPECT_LT(relative_error(through(values_of(m), 6), values_of(m)), 1e-10);
}

TEST(RankK, WithoutMemoryOnlyTheExactOneEncodes) {
  const Values v = gaussian(64, 36);
  for (const bool exact : {false, true}) {
    const PluginSpec spec = resolve(TPC_COMPRESSOR, rank(2, exact));
    const Compressor server(spec, {TPC_F64, 64, 1, TPC_SERVER, 1, {{8, 8}}}, 16, Role::replica);
    Bytes payload;
    const auto encode = [&] { server.encode(server.context(1, TPC_SERVER, NAN), v.data(), nullptr, payload); };
    if (exact)
      EXPECT_NO_THROW(encode());
    else
      EXPECT_THROW(encode(), Failure);
  }
}

TEST(RankK, SizesOutsideTheRangeOfSquaresDoNoHarm) {
  for (const double size : {1e-300, 1e-170, 1e170, 1e300}) {
    Matrix m = matrix(gaussian(20, 34), 20, 1) * matrix(gaussian(15, 35), 1, 15) * size;
    for (const bool exact : {false, true}) {
      const Roundtrip through(rank(1, exact), TPC_F64, 300, 1, {{20, 15}});
      Matrix out = matrix(through(values_of(m), 1), 20, 15);
      EXPECT_LT((out / size - m / size).norm(), 1e-12 * (m / size).norm()) << size;
    }
  }
}

}  // namespace
}  // namespace threepc::conformance
