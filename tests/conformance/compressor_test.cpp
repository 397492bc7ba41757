// What every compressor promises, checked on every compressor of the build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "cases.hpp"
#include "failure.hpp"
#include "plugin/instances.hpp"
#include "sample.hpp"
#include "vectors.hpp"

namespace threepc::conformance {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Values = std::vector<double>;

constexpr std::uint32_t dims[] = {0, 1, 2, 7, 64, 1000, 4097};
constexpr std::uint32_t workers = 4;
constexpr std::uint32_t stream = 16;

TEST(CompressorTable, HasEveryCompressorOfTheBuild) {
  std::set<std::string> offered, tabulated;
  for (const Entry& entry : catalog().entries())
    if (entry.descriptor->kind == TPC_COMPRESSOR) offered.insert(entry.descriptor->id);
  for (const CompressorCase& item : compressor_cases()) tabulated.insert(item.request.id);
  EXPECT_EQ(offered, tabulated) << "give the compressor a parameter set in tests/conformance/cases.cpp";
}

TEST(CompressorTable, NoFileOfTheBuildIsRejected) {
  for (const Rejected& file : catalog().rejected()) ADD_FAILURE() << file.reason;
}

class CompressorSuite : public ::testing::TestWithParam<std::tuple<CompressorCase, tpc_dtype>> {
 protected:
  const CompressorCase& item() const { return std::get<0>(GetParam()); }
  tpc_dtype dtype() const { return std::get<1>(GetParam()); }

  Membership member(std::uint32_t dim, std::uint32_t worker, std::uint64_t seed = 11) const {
    return {dtype(), dim, workers, worker, seed, item().layered ? layers(dim) : std::vector<tpc::Block>()};
  }
  Compressor encoder(std::uint32_t dim) const { return {spec_, member(dim, 1), stream, Role::encoder}; }
  Compressor decoder(std::uint32_t dim) const { return {spec_, member(dim, TPC_SERVER), stream, Role::replica}; }

  Bytes encoded(const Compressor& by, const Values& v, std::uint64_t round, std::uint32_t worker = 1) const {
    Bytes out;
    by.encode(by.context(round, worker, NAN), GuardedVector(dtype(), v).data(), nullptr, out);
    return out;
  }

  /// decode(payload), in double whatever the dtype of the payload.
  Values decoded(const Compressor& by, const Bytes& payload, std::uint64_t round, std::uint32_t worker = 1) const {
    GuardedVector sum(TPC_F64, by.membership().dim);
    by.accumulate(by.context(round, worker, NAN), payload, target(TPC_F64, by.membership().dim, sum, nullptr, 1));
    EXPECT_TRUE(sum.intact());
    return sum.values();
  }

  static tpc_sum target(tpc_dtype dtype, std::uint32_t dim, GuardedVector& sum, GuardedVector* error, double scale) {
    return {sizeof(tpc_sum), dtype, dim, 0, sum.data(), error == nullptr ? nullptr : error->data(), scale};
  }

  /// As the plugin sees it: rounded to the dtype.
  Values rounded(const Values& v) const { return GuardedVector(dtype(), v).values(); }

  std::uint32_t rounds(std::uint32_t dim) const { return !item().random ? 1 : dim > 100 ? 500 : 2000; }

  const PluginSpec spec_ = resolve(TPC_COMPRESSOR, item().request);
};

TEST_P(CompressorSuite, DeclaresConstantsOfItsDimension) {
  for (const std::uint32_t dim : dims) {
    SCOPED_TRACE(dim);
    const tpc::Constants here = encoder(dim).constants();
    const tpc::Constants there = decoder(dim).constants();
    EXPECT_TRUE(here.alpha == there.alpha || (std::isnan(here.alpha) && std::isnan(there.alpha)));
    EXPECT_TRUE(here.omega == there.omega || (std::isnan(here.omega) && std::isnan(there.omega)));
    EXPECT_FALSE(std::isnan(here.alpha) && std::isnan(here.omega));
  }
}

/// Whether a family of vectors lets the central limit theorem work within the rounds that we can afford: a
/// single coordinate of thousands is hit too rarely.
bool measurable(const std::string& family, std::uint32_t dim) { return family != "one coordinate" || dim <= 64; }

TEST_P(CompressorSuite, ErrorIsWithinItsConstants) {
  for (const std::uint32_t dim : dims) {
    const Compressor by = encoder(dim), at = decoder(dim);
    const tpc::Constants constants = by.constants();
    for (const auto& [family, drawn] : families(dim)) {
      if (item().random && !measurable(family, dim)) continue;
      SCOPED_TRACE(family + ", d = " + std::to_string(dim));
      const Values v = rounded(drawn);
      Sample error;  // relative to ||v||^2
      for (std::uint32_t round = 1; round <= rounds(dim); ++round) {
        const double squares = norm_sq(minus(decoded(at, encoded(by, v, round), round), v));
        if (dim == 0) {
          EXPECT_EQ(squares, 0);
        }
        if (dim > 0) error.add(squares / norm_sq(v));
      }
      const double rounding = 16 * epsilon_of(dtype()) + dim * epsilon_of(TPC_F64);  // of the value, of our sums
      if (!std::isnan(constants.alpha)) {
        EXPECT_FALSE(error.exceeds(1 - constants.alpha, rounding))
            << error.mean() << " measured, alpha = " << constants.alpha;
      }
      if (!std::isnan(constants.omega)) {
        EXPECT_FALSE(error.exceeds(constants.omega, rounding * (1 + constants.omega)))
            << error.mean() << " measured, omega = " << constants.omega;
      }
    }
  }
}

TEST_P(CompressorSuite, MeanIsTheInputWhereItSaysSo) {
  for (const std::uint32_t dim : dims) {
    const Compressor by = encoder(dim), at = decoder(dim);
    if (std::isnan(by.constants().omega) || dim == 0) continue;
    SCOPED_TRACE(dim);
    const Values v = rounded(gaussian(dim, 2));
    // Projections on fixed directions: a bias of any coordinate shows in almost all of them.
    std::vector<Values> directions;
    for (std::uint32_t i = 0; i < 5; ++i) directions.push_back(gaussian(dim, 100 + i));
    std::vector<Sample> products(directions.size());
    for (std::uint32_t round = 1; round <= rounds(dim); ++round) {
      const Values difference = minus(decoded(at, encoded(by, v, round), round), v);
      for (std::size_t i = 0; i < directions.size(); ++i) {
        double product = 0;
        for (std::uint32_t j = 0; j < dim; ++j) product += directions[i][j] * difference[j];
        products[i].add(product);
      }
    }
    for (const Sample& product : products)
      EXPECT_FALSE(product.differs_from(0, epsilon_of(dtype()) * 16 * dim)) << product.mean();
  }
}

TEST_P(CompressorSuite, SameContextSameBytes) {
  for (const std::uint32_t dim : dims) {
    SCOPED_TRACE(dim);
    const Compressor first = encoder(dim);
    const Values v = gaussian(dim, 3);
    const Bytes once = encoded(first, v, 5);
    encoded(first, gaussian(dim, 4), 6);
    EXPECT_EQ(encoded(encoder(dim), v, 5), once);
    if (first.state().empty()) {
      EXPECT_EQ(encoded(first, v, 5), once) << "the call in between left a trace";
    }
  }
}

TEST_P(CompressorSuite, RandomOnesDifferFromRoundToRoundAndWorkerToWorker) {
  const std::uint32_t dim = 1000;
  const Values v = gaussian(dim, 3);
  const auto outcomes = [&](std::uint32_t worker, std::uint64_t seed) {
    const Compressor by(spec_, member(dim, worker, seed), stream, Role::encoder),
        at(spec_, member(dim, TPC_SERVER, seed), stream, Role::replica);
    std::vector<Values> out;
    for (std::uint64_t round = 0; round < 12; ++round)
      out.push_back(decoded(at, encoded(by, v, round, worker), round, worker));
    return out;
  };
  const std::vector<Values> first = outcomes(1, 11);
  EXPECT_EQ(std::set(first.begin(), first.end()).size() > 1, item().random) << "from round to round";
  EXPECT_EQ(outcomes(2, 11) != first, item().random) << "from worker to worker";
  EXPECT_EQ(outcomes(1, 12) != first, item().random) << "from seed to seed";
}

TEST_P(CompressorSuite, EncodesTheDifferenceOfTwoVectors) {
  for (const std::uint32_t dim : dims) {
    SCOPED_TRACE(dim);
    const Compressor by = encoder(dim), again = encoder(dim);
    const GuardedVector a(dtype(), gaussian(dim, 5)), b(dtype(), gaussian(dim, 6));
    // Two values of a dtype have a difference that double holds or rounds once; storing rounds it as the plugin does.
    const GuardedVector difference(dtype(), minus(a.values(), b.values()));
    Bytes fused, plain;
    by.encode(by.context(3, 1, NAN), a.data(), b.data(), fused);
    again.encode(again.context(3, 1, NAN), difference.data(), nullptr, plain);
    EXPECT_EQ(fused, plain);
    EXPECT_TRUE(a.intact() && b.intact());
    EXPECT_EQ(a, GuardedVector(dtype(), gaussian(dim, 5))) << "the input was written to";
  }
}

TEST_P(CompressorSuite, AppendsAndLeavesWhatWasThere) {
  const Compressor by = encoder(64);
  const Values v = gaussian(64, 7);
  const Bytes alone = encoded(encoder(64), v, 1);
  Bytes appended = {1, 2, 3};
  EXPECT_EQ(by.encode(by.context(1, 1, NAN), GuardedVector(dtype(), v).data(), nullptr, appended), alone.size());
  Bytes expected = {1, 2, 3};
  expected.insert(expected.end(), alone.begin(), alone.end());
  EXPECT_EQ(appended, expected);
}

TEST_P(CompressorSuite, CountsItsValues) {
  for (const std::uint32_t dim : dims) {
    SCOPED_TRACE(dim);
    const Compressor by = decoder(dim);
    GuardedVector sum(dtype(), dim);
    const Bytes payload = encoded(encoder(dim), gaussian(dim, 8), 1);
    const std::uint64_t values = by.accumulate(by.context(1, 1, NAN), payload, target(dtype(), dim, sum, nullptr, 1));
    EXPECT_TRUE(values == item().values(dim) || (item().fewer && values < item().values(dim))) << values;
  }
}

TEST_P(CompressorSuite, AddsScaledToWhatIsThere) {
  for (const std::uint32_t dim : dims) {
    SCOPED_TRACE(dim);
    const Compressor by = decoder(dim);
    const Bytes payload = encoded(encoder(dim), gaussian(dim, 9), 2);
    const Values step = decoded(by, payload, 2);
    const Values before = rounded(gaussian(dim, 10));
    GuardedVector sum(dtype(), before);
    by.accumulate(by.context(2, 1, NAN), payload, target(dtype(), dim, sum, nullptr, -0.5));
    EXPECT_TRUE(sum.intact());
    for (std::uint32_t i = 0; i < dim; ++i) {
      const double expected = before[i] - 0.5 * step[i];
      EXPECT_NEAR(sum[i], expected, 2 * epsilon_of(dtype()) * (std::abs(before[i]) + std::abs(step[i]))) << i;
    }
  }
}

/// h moves for millions of rounds, so what rounding loses must not be lost: adding a payload and taking it away
/// again, among values a billion times larger, ends where it began.
TEST_P(CompressorSuite, AddsExactlyWithAnErrorVector) {
  for (const std::uint32_t dim : {1u, 64u, 1000u}) {
    SCOPED_TRACE(dim);
    const Compressor by = encoder(dim), at = decoder(dim);
    Values large = gaussian(dim, 11);
    for (double& value : large) value *= 1e9;
    GuardedVector sum(dtype(), large), error(dtype(), dim);
    const GuardedVector before = sum;
    std::vector<Bytes> payloads;
    for (std::uint32_t round = 0; round < 50; ++round) payloads.push_back(encoded(by, gaussian(dim, round), round));
    for (const double sign : {1.0, -1.0})
      for (std::uint32_t round = 0; round < 50; ++round)
        at.accumulate(at.context(round, 1, NAN), payloads[round], target(dtype(), dim, sum, &error, sign));
    EXPECT_TRUE(sum.intact() && error.intact());
    // A pair holds twice the digits: each of the 100 additions may lose epsilon^2 of the total.
    const double tolerance = 400 * epsilon_of(dtype()) * epsilon_of(dtype());
    for (std::uint32_t i = 0; i < dim; ++i)
      EXPECT_NEAR((sum[i] - before[i]) + error[i], 0, tolerance * std::abs(before[i]) + 1e-300) << i;
  }
}

TEST_P(CompressorSuite, NarrowPayloadGoesIntoAWideSumOnly) {
  const std::uint32_t dim = 64;
  const Compressor by = decoder(dim);
  const Bytes payload = encoded(encoder(dim), gaussian(dim, 12), 1);
  GuardedVector narrow(TPC_F32, dim);
  const auto into_narrow = [&] {
    by.accumulate(by.context(1, 1, NAN), payload, target(TPC_F32, dim, narrow, nullptr, 1));
  };
  if (dtype() == TPC_F64) {
    EXPECT_THROW(into_narrow(), Failure);
  } else {
    into_narrow();
    EXPECT_EQ(narrow.values(), decoded(by, payload, 1));
  }
  EXPECT_TRUE(narrow.intact());
}

TEST_P(CompressorSuite, RefusesASumOfAnotherDimension) {
  const Compressor by = decoder(64);
  const Bytes payload = encoded(encoder(64), gaussian(64, 12), 1);
  GuardedVector sum(dtype(), 63);
  EXPECT_THROW(by.accumulate(by.context(1, 1, NAN), payload, target(dtype(), 63, sum, nullptr, 1)), Failure);
  EXPECT_TRUE(sum.intact());
}

TEST_P(CompressorSuite, ZeroStaysZero) {
  for (const std::uint32_t dim : dims) {
    SCOPED_TRACE(dim);
    EXPECT_EQ(decoded(decoder(dim), encoded(encoder(dim), Values(dim), 1), 1), Values(dim));
  }
}

TEST_P(CompressorSuite, DenormalsStayFinite) {
  const double smallest = dtype() == TPC_F32 ? 0x1p-149 : 0x1p-1074;
  for (const std::uint32_t dim : dims) {
    const Values v = from_index(dim, [&](auto i) { return (1 + i % 3) * smallest; });
    const Values out = decoded(decoder(dim), encoded(encoder(dim), v, 1), 1);
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](double value) { return std::isfinite(value); })) << dim;
  }
}

/// Whatever it makes of them: no crash, no overrun, and a payload that its own decoder can take or refuse.
TEST_P(CompressorSuite, SurvivesInfinityAndNan) {
  for (const double special : {double{INFINITY}, -double{INFINITY}, double{NAN}})
    for (const std::uint32_t dim : dims)
      for (const std::uint32_t every : {1u, 3u}) {
        const Values v = from_index(dim, [&](auto i) { return i % every == 0 ? special : 1.0; });
        try {
          decoded(decoder(dim), encoded(encoder(dim), v, 1), 1);
        } catch (const Failure& failure) {
          EXPECT_STRNE(failure.what(), "");
        }
      }
}

class HostileBytes : public CompressorSuite {
 protected:
  /// The bytes lie in an allocation of exactly their size, so that a sanitizer sees a read past the end.
  void expect_survival(const Compressor& by, const Bytes& hostile) {
    const Bytes exact(hostile);
    GuardedVector sum(dtype(), by.membership().dim), error(dtype(), by.membership().dim);
    try {
      by.accumulate(by.context(1, 1, NAN), exact, target(dtype(), by.membership().dim, sum, &error, 1));
    } catch (const Failure& failure) {
      ++refused_;
      EXPECT_THAT(failure.what(), ::testing::HasSubstr("compressor"));
    }
    EXPECT_TRUE(sum.intact() && error.intact());
  }

  int refused_ = 0;
};

TEST_P(HostileBytes, AreRefusedOrDecodedButNeverHarmful) {
  std::mt19937 engine(13);
  for (const std::uint32_t dim : {0u, 1u, 2u, 7u, 64u, 1000u}) {
    SCOPED_TRACE(dim);
    const Compressor by = decoder(dim);
    const Bytes good = encoded(encoder(dim), gaussian(dim, 14), 1);
    const Values expected = decoded(by, good, 1);

    const std::size_t step = 1 + good.size() / 50;
    for (std::size_t size = 0; size < good.size(); size += step)
      expect_survival(by, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    for (const std::size_t extra : {1u, 3u, 8u, 1000u}) {
      Bytes longer = good;
      for (std::size_t i = 0; i < extra; ++i) longer.push_back(static_cast<std::uint8_t>(engine()));
      expect_survival(by, longer);
    }
    for (int i = 0; i < 200 && !good.empty(); ++i) {
      Bytes flipped = good;
      flipped[engine() % flipped.size()] ^= static_cast<std::uint8_t>(1u << engine() % 8);
      expect_survival(by, flipped);
    }
    for (int i = 0; i < 100; ++i) {
      Bytes noise(i % 2 == 0 ? good.size() : engine() % 300);
      for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(engine());
      expect_survival(by, noise);
    }
    EXPECT_EQ(decoded(by, good, 1), expected) << "the instance did not survive";
  }
  EXPECT_GT(refused_, 0) << "nothing at all was refused: are the bytes read?";
}

TEST_P(HostileBytes, TrailingBytesAreCorrupt) {
  const Compressor by = decoder(64);
  Bytes longer = encoded(encoder(64), gaussian(64, 14), 1);
  longer.push_back(0);
  EXPECT_THROW(decoded(by, longer, 1), Failure);
}

std::string label(const ::testing::TestParamInfo<std::tuple<CompressorCase, tpc_dtype>>& test) {
  return std::string(std::get<0>(test.param).label) + (std::get<1>(test.param) == TPC_F32 ? "_f32" : "_f64");
}

const auto all_cases = ::testing::Combine(::testing::ValuesIn(compressor_cases()), ::testing::Values(TPC_F32, TPC_F64));
INSTANTIATE_TEST_SUITE_P(Compressor, CompressorSuite, all_cases, label);
INSTANTIATE_TEST_SUITE_P(Compressor, HostileBytes, all_cases, label);

/// Sparsifiers only: who keeps every coordinate is the identity, bit for bit.
class Sparsifier : public ::testing::TestWithParam<std::tuple<const char*, tpc_dtype>> {
 protected:
  Values through(const Request& request, const GuardedVector& v, std::uint32_t dim) const {
    const PluginSpec spec = resolve(TPC_COMPRESSOR, request);
    const Compressor by(spec, {std::get<1>(GetParam()), dim, 1, 0, 1}, stream, Role::encoder);
    Bytes payload;
    by.encode(by.context(1, 0, NAN), v.data(), nullptr, payload);
    GuardedVector sum(TPC_F64, dim);
    by.accumulate(by.context(1, 0, NAN), payload, {sizeof(tpc_sum), TPC_F64, dim, 0, sum.data(), nullptr, 1});
    return sum.values();
  }
  Request keeping(std::int64_t k) const { return {std::get<0>(GetParam()), {{"k", k}}}; }
};

TEST_P(Sparsifier, KeepingAllIsTheIdentity) {
  for (const std::uint32_t dim : {1u, 2u, 7u, 64u, 1000u, 4097u}) {
    const GuardedVector v(std::get<1>(GetParam()), gaussian(dim, 15));
    EXPECT_EQ(through(keeping(dim), v, dim), v.values()) << dim;
    EXPECT_EQ(through({"identity"}, v, dim), v.values()) << dim;
  }
}

TEST_P(Sparsifier, RefusesMoreThanThereAreAndNamesTheParameter) {
  const GuardedVector v(std::get<1>(GetParam()), gaussian(7, 15));
  try {
    through(keeping(8), v, 7);
    FAIL() << "k = 8 of d = 7 was accepted";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    EXPECT_THAT(failure.what(), ::testing::StartsWith("compressor.k: "));
    EXPECT_THAT(failure.what(), ::testing::HasSubstr("8"));
    EXPECT_THAT(failure.what(), ::testing::HasSubstr("7"));
  }
}

TEST_P(Sparsifier, NeedsExactlyOneOfItsTwoSizes) {
  const GuardedVector v(std::get<1>(GetParam()), gaussian(7, 15));
  Request both = keeping(2);
  both.values["fraction"] = 0.5;
  EXPECT_THROW(through(both, v, 7), Failure);
  EXPECT_THROW(through({std::get<0>(GetParam())}, v, 7), Failure);
}

INSTANTIATE_TEST_SUITE_P(Compressor, Sparsifier,
                         ::testing::Combine(::testing::Values("topk", "randk"), ::testing::Values(TPC_F32, TPC_F64)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)) +
                                  (std::get<1>(test.param) == TPC_F32 ? "_f32" : "_f64");
                         });

/// The slow, obvious Top-K: sort by (larger magnitude, lower index), keep the first k.
Values reference_topk(const Values& v, std::size_t k) {
  std::vector<std::size_t> order(v.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(v[a]) != std::abs(v[b]) ? std::abs(v[a]) > std::abs(v[b]) : a < b;
  });
  Values out(v.size());
  for (std::size_t i = 0; i < k; ++i) out[order[i]] = v[order[i]];
  return out;
}

Values topk(const Values& v, std::int64_t k) {
  const auto dim = static_cast<std::uint32_t>(v.size());
  const PluginSpec spec = resolve(TPC_COMPRESSOR, {"topk", {{"k", k}}});
  const Compressor by(spec, {TPC_F64, dim, 1, 0, 1}, stream, Role::encoder);
  Bytes payload;
  by.encode(by.context(1, 0, NAN), v.data(), nullptr, payload);
  Values out(dim);
  by.accumulate(by.context(1, 0, NAN), payload, {sizeof(tpc_sum), TPC_F64, dim, 0, out.data(), nullptr, 1});
  return out;
}

TEST(TopK, PrefersLargerThenLowerIndex) {
  EXPECT_EQ(topk({1, -1, 1, -1}, 2), (Values{1, -1, 0, 0}));
  EXPECT_EQ(topk({1, 2, -2, 2, 1}, 2), (Values{0, 2, -2, 0, 0}));
  EXPECT_EQ(topk({0, 0, 0}, 1), (Values{0, 0, 0}));
  EXPECT_EQ(topk({1, 5, 1, 1}, 3), (Values{1, 5, 1, 0}));
}

TEST(TopK, RefusesPaddingThatIsNotZero) {
  const Values v = gaussian(7, 17);
  const PluginSpec spec = resolve(TPC_COMPRESSOR, {"topk", {{"k", std::int64_t{1}}}});
  const Compressor by(spec, {TPC_F64, 7, 1, 0, 1}, stream, Role::encoder);
  Bytes payload;
  by.encode(by.context(1, 0, NAN), v.data(), nullptr, payload);
  payload.back() |= 0x80;  // an index of 7 coordinates has three bits
  Values out(7);
  EXPECT_THROW(by.accumulate(by.context(1, 0, NAN), payload, {sizeof(tpc_sum), TPC_F64, 7, 0, out.data(), nullptr, 1}),
               Failure);
}

TEST(TopK, RefusesAnIndexTwiceOrOutOfOrder) {
  constexpr std::uint32_t dim = 256;  // an index is a byte
  const PluginSpec spec = resolve(TPC_COMPRESSOR, {"topk", {{"k", std::int64_t{3}}}});
  const Compressor by(spec, {TPC_F64, dim, 1, TPC_SERVER, 1}, stream, Role::replica);
  const auto decode = [&](std::array<std::uint8_t, 3> indices) {
    Bytes payload(3 * sizeof(double));
    payload.insert(payload.end(), indices.begin(), indices.end());
    Values out(dim);
    by.accumulate(by.context(1, 0, NAN), payload, {sizeof(tpc_sum), TPC_F64, dim, 0, out.data(), nullptr, 1});
  };
  EXPECT_NO_THROW(decode({3, 9, 255}));
  for (const auto& never : {std::array<std::uint8_t, 3>{9, 9, 9}, {3, 9, 9}, {3, 3, 9}, {9, 3, 255}, {3, 255, 9}}) {
    try {
      decode(never);
      ADD_FAILURE() << "accepted " << ::testing::PrintToString(never);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Exit::peer);
      EXPECT_THAT(failure.what(), ::testing::HasSubstr("index "));
    }
  }
}

TEST(TopK, AgreesWithSortingOnVectorsFullOfTies) {
  std::mt19937 engine(16);
  for (const std::uint32_t dim : {1u, 2u, 31u, 32u, 33u, 64u, 500u, 4097u})
    for (int repeat = 0; repeat < 20; ++repeat) {
      const std::uint32_t levels = 1 + engine() % 6;
      const Values v = from_index(dim, [&](auto) { return static_cast<double>(engine() % (2 * levels + 1)) - levels; });
      const std::uint32_t k = 1 + engine() % dim;
      ASSERT_EQ(topk(v, k), reference_topk(v, k)) << "d = " << dim << ", k = " << k;
    }
}

}  // namespace
}  // namespace threepc::conformance
