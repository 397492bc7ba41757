// What every mechanism promises, checked on every mechanism of the build: the inequality behind its step size,
// and that the server's replay never departs from the worker's h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "cases.hpp"
#include "failure.hpp"
#include "method/ledger.hpp"
#include "pair.hpp"
#include "sample.hpp"

namespace threepc::conformance {
namespace {

TEST(MechanismTable, HasEveryMechanismOfTheBuild) {
  std::set<std::string> offered, tabulated;
  for (const Entry& entry : catalog().entries())
    if (entry.descriptor->kind == TPC_MECHANISM) offered.insert(entry.descriptor->id);
  for (const MechanismCase& item : mechanism_cases()) tabulated.insert(item.request.id);
  EXPECT_EQ(offered, tabulated) << "give the mechanism a parameter set in tests/conformance/cases.cpp";
}

class MechanismSuite : public ::testing::TestWithParam<std::tuple<MechanismCase, tpc_dtype>> {
 protected:
  const Request& request() const { return std::get<0>(GetParam()).request; }
  tpc_dtype dtype() const { return std::get<1>(GetParam()); }
};

TEST_P(MechanismSuite, ServerReplaysTheWorkersBits) {
  for (const std::uint32_t dim : {0u, 1u, 7u, 100u}) {
    Pair pair(request(), dtype(), dim, 1);
    for (std::uint64_t round = 1; round <= 300; ++round) {
      pair.step(round);
      ASSERT_EQ(bits_of(pair.h()), bits_of(pair.g())) << "d = " << dim << ", round " << round;
    }
  }
}

TEST_P(MechanismSuite, SameSeedSameMessages) {
  Pair first(request(), dtype(), 100, 2), second(request(), dtype(), 100, 2);
  for (std::uint64_t round = 1; round <= 50; ++round) {
    first.step(round);
    second.step(round);
    ASSERT_EQ(first.message(), second.message()) << "round " << round;
  }
}

TEST_P(MechanismSuite, ServerAndWorkerAgreeOnConstants) {
  const Pair pair(request(), dtype(), 50, 1);
  const tpc::Constants here = pair.worker().constants(), there = pair.server().constants();
  EXPECT_EQ(!std::isnan(here.A), std::get<0>(GetParam()).theory);
  EXPECT_EQ(std::isnan(here.A), std::isnan(there.A));
  if (std::isnan(here.A)) return;
  EXPECT_EQ(here.A, there.A);
  EXPECT_EQ(here.B, there.B);
}

struct Triple {
  std::string name;
  Values h, y, x;
};

/// Coinciding points, and differences on which the constants are tight (tightness_test.cpp): Top-K's alpha on flat
/// vectors, LAG's zeta = 4, and B where x - y = s (y - h) with the s = (1-A)/B of EF21's proof.
std::vector<Triple> triples(std::uint32_t dim, const tpc::Constants& constants) {
  const Values a = gaussian(dim, 31), b = gaussian(dim, 32), c = gaussian(dim, 33), zero(dim);
  const Values flat(dim, 2.0), twice(dim, 4.0);
  const Values stretched(dim, constants.B > 0 ? 2 * (1 + (1 - constants.A) / constants.B) : 4.0);
  const Values near = from_index(dim, [&](auto i) { return a[i] + 1e-3 * b[i]; });
  return {{"all apart", a, b, c},      {"h = y", a, a, c},
          {"x = y", a, b, b},          {"h = x", a, b, a},
          {"all equal", a, a, a},      {"h = y, flat", zero, zero, flat},
          {"flat", zero, flat, zero},  {"tight", zero, flat, stretched},
          {"lazy", zero, flat, twice}, {"x = y, flat", zero, flat, flat},
          {"x near h", a, b, near},    {"x near y", b, a, near},
          {"from zero", zero, a, b}};
}

/// E||C_{h,y}(x) - x||^2 <= (1 - A)||h - y||^2 + B||x - y||^2. One worker: MARINA's constants bound the aggregate,
/// which is then this worker.
TEST_P(MechanismSuite, ThreePointInequalityHolds) {
  for (const std::uint32_t dim : {1u, 2u, 7u, 50u}) {
    Pair pair(request(), dtype(), dim, 0, 1);
    const tpc::Constants constants = pair.worker().constants();
    if (std::isnan(constants.A)) continue;
    for (const Triple& triple : triples(dim, constants)) {
      SCOPED_TRACE(triple.name + ", d = " + std::to_string(dim));
      const GuardedVector h(dtype(), triple.h), y(dtype(), triple.y), x(dtype(), triple.x);
      Sample error;
      for (std::uint64_t round = 1; round <= 1000; ++round) {
        pair.start(h);
        pair.propose(round, y, x);
        error.add(norm_sq(minus(values_of(pair.h()), x.values())));
      }
      const double bound = (1 - constants.A) * norm_sq(minus(h.values(), y.values())) +
                           constants.B * norm_sq(minus(x.values(), y.values()));
      const double scale = norm_sq(h.values()) + norm_sq(y.values()) + norm_sq(x.values());
      EXPECT_FALSE(error.exceeds(bound, 64 * epsilon_of(dtype()) * scale))
          << error.mean() << " measured, " << bound << " allowed";
    }
  }
}

TEST_P(MechanismSuite, InputsAreOnlyRead) {
  Pair pair(request(), dtype(), 33, 1);
  const GuardedVector y(dtype(), gaussian(33, 41)), x(dtype(), gaussian(33, 42));
  for (std::uint64_t round = 1; round <= 20; ++round) pair.propose(round, y, x);
  EXPECT_EQ(y, GuardedVector(dtype(), gaussian(33, 41)));
  EXPECT_EQ(x, GuardedVector(dtype(), gaussian(33, 42)));
}

/// The messages are the state: replayed from a ledger, which folds and forgets on the way, they give what the worker
/// has, bit for bit, and what it has lent. So does a second worker that is given that state in the middle.
TEST_P(MechanismSuite, ALedgerGivesAWorkerItsOwnBack) {
  for (const std::uint32_t dim : {1u, 40u, 300u}) {
    Pair pair(request(), dtype(), dim, 1);
    Ledger ledger(pair.server(), 2);
    const auto note = [&](std::uint64_t round) {
      ledger.begin_round();
      ledger.note(1, round, pair.message(), last_reset(parse_program(pair.message())) >= 0);
    };
    note(0);
    for (std::uint64_t round = 1; round <= 60; ++round) {
      pair.step(round);
      note(round);
      if (round == 30) ledger.restart(1, ledger.state(1));
      const TrackedVector state = ledger.state(1);
      ASSERT_EQ(bits_of(state), bits_of(pair.h())) << "round " << round;
      ASSERT_EQ(state.lent().has_value(), pair.h().lent().has_value());
      if (state.lent()) {
        ASSERT_EQ(bits_of(*state.lent()), bits_of(*pair.h().lent()));
      }
      ledger.begin_round();
      ASSERT_FALSE(ledger.is_full());
    }
  }
}

/// Messages come from the network.
TEST_P(MechanismSuite, HostileMessagesAreRefusedOrReplayed) {
  std::mt19937 engine(51);
  Pair pair(request(), dtype(), 40, 1);
  int refused = 0;
  const auto attack = [&](const Bytes& hostile) {
    TrackedVector g(dtype(), 40);
    try {
      pair.server().replay(Bytes(hostile), 1, 1, g);
    } catch (const Failure& failure) {
      ++refused;
      EXPECT_THAT(failure.code(), ::testing::AnyOf(Exit::peer, Exit::plugin));
    }
  };
  for (std::uint64_t round = 1; round <= 20; ++round) {
    pair.step(round);
    const Bytes good = pair.message();
    for (std::size_t size = 1; size < good.size(); size += 1 + good.size() / 40)
      attack(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    for (int i = 0; i < 100 && !good.empty(); ++i) {
      Bytes flipped = good;
      flipped[engine() % std::min<std::size_t>(flipped.size(), i < 50 ? 4 : flipped.size())] ^=
          static_cast<std::uint8_t>(1u << engine() % 8);
      attack(flipped);
    }
    Bytes noise(engine() % 100);
    for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(engine());
    attack(noise);
  }
  EXPECT_GT(refused, 0);
  pair.step(21);
  EXPECT_EQ(bits_of(pair.h()), bits_of(pair.g())) << "the instances did not survive";
}

/// What a mechanism declares decides whether the server keeps every g_i, so the messages must keep to it.
TEST_P(MechanismSuite, ResetsTogetherIfItSaysSo) {
  std::vector<std::unique_ptr<Pair>> members;
  for (std::uint32_t worker = 0; worker < 3; ++worker)
    members.push_back(std::make_unique<Pair>(request(), dtype(), 20, worker));
  const std::uint32_t capabilities = members[0]->server().capabilities();
  for (std::uint64_t round = 1; round <= 100; ++round) {
    std::set<bool> resets;
    for (const auto& member : members) {
      member->step(round);
      bool reset = false;
      for (const Operation& operation : parse_program(member->message()))
        reset |= operation.kind == OperationKind::reset;
      resets.insert(reset);
    }
    if ((capabilities & TPC_RESETS_ALONE) == 0) {
      ASSERT_EQ(resets.size(), 1u) << "round " << round;
    }
    if (capabilities == 0) {
      ASSERT_FALSE(resets.contains(true)) << "round " << round;
    }
  }
}

std::string label(const ::testing::TestParamInfo<std::tuple<MechanismCase, tpc_dtype>>& test) {
  return std::string(std::get<0>(test.param).label) + (std::get<1>(test.param) == TPC_F32 ? "_f32" : "_f64");
}

INSTANTIATE_TEST_SUITE_P(Mechanism, MechanismSuite,
                         ::testing::Combine(::testing::ValuesIn(mechanism_cases()),
                                            ::testing::Values(TPC_F32, TPC_F64)),
                         label);

/// Two mechanisms that theory says are one must move h through the same bits.
struct Equality {
  const char* name;
  Request left, right;
  bool same_bytes;  // and send the same messages
};

std::ostream& operator<<(std::ostream& out, const Equality& equality) { return out << equality.name; }

Request with(const std::string& id, std::map<std::string, Value> values, const std::string& slot,
             const Request& child) {
  return {id, std::move(values), {{slot, child}}};
}

const Request identity = {"identity"};
const Request silent = {"silent"};
const Request keeps_all = {"topk", {{"fraction", 1.0}}};
const Request keeps_some = {"topk", {{"fraction", 0.2}}};
const Request keeps_few = {"topk", {{"fraction", 0.1}}};

Request corrected(const Request& inner, const Request& compressor) {
  return {"3pcv3", {}, {{"inner", inner}, {"compressor", compressor}}};
}

const std::vector<Equality>& equalities() {
  static const std::vector<Equality> all = {
      {"ef21_keeping_all_is_ef21_with_identity", with("ef21", {}, "compressor", keeps_all),
       with("ef21", {}, "compressor", identity), false},
      {"clag_without_laziness_is_ef21", with("clag", {{"zeta", 0.0}}, "compressor", keeps_some),
       with("ef21", {}, "compressor", keeps_some), true},
      {"clag_with_identity_is_lag",
       with("clag", {{"zeta", 4.0}}, "compressor", identity),
       {"lag", {{"zeta", 4.0}}},
       false},
      {"clag_keeping_all_is_lag",
       with("clag", {{"zeta", 4.0}}, "compressor", keeps_all),
       {"lag", {{"zeta", 4.0}}},
       false},
      {"marina_that_always_sends_is_gd",
       with("marina", {{"p", 1.0}}, "unbiased", {"randk", {{"fraction", 0.2}}}),
       {"gd"},
       true},
      {"3pcv1_with_identity_is_gd", with("3pcv1", {}, "compressor", identity), {"gd"}, true},
      {"3pcv5_that_always_sends_is_gd", with("3pcv5", {{"p", 1.0}}, "compressor", keeps_some), {"gd"}, true},
      {"3pcv5_with_identity_is_marina_with_identity", with("3pcv5", {{"p", 0.3}}, "compressor", identity),
       with("marina", {{"p", 0.3}}, "unbiased", identity), true},
      {"3pcv3_around_gd_is_gd", corrected({"gd"}, keeps_some), {"gd"}, false},
      {"3pcv3_around_ef21_is_3pcv4",
       corrected(with("ef21", {}, "compressor", keeps_few), keeps_some),
       {"3pcv4", {}, {{"inner", keeps_few}, {"compressor", keeps_some}}},
       true},
      {"3pcv3_that_corrects_nothing_is_ef21", corrected(with("ef21", {}, "compressor", keeps_some), silent),
       with("ef21", {}, "compressor", keeps_some), false},
      {"3pcv4_after_nothing_is_ef21",
       {"3pcv4", {}, {{"inner", silent}, {"compressor", keeps_some}}},
       with("ef21", {}, "compressor", keeps_some),
       false},
      {"ef14_with_identity_is_gd", with("ef14", {}, "compressor", identity), {"gd"}, false},
      {"adacgd_with_one_level_is_clag", with("adacgd", {{"zeta", 4.0}}, "level", keeps_some),
       with("clag", {{"zeta", 4.0}}, "compressor", keeps_some), true},
      {"diana_that_keeps_all_is_ef21", with("diana", {{"keep", 1.0}}, "unbiased", identity),
       with("ef21", {}, "compressor", identity), false},
      {"dcgd_with_identity_is_gd", with("dcgd", {}, "compressor", identity), {"gd"}, false},
  };
  return all;
}

class Equalities : public ::testing::TestWithParam<std::tuple<Equality, tpc_dtype>> {};

TEST_P(Equalities, HoldBitForBit) {
  const auto& [equality, dtype] = GetParam();
  for (const std::uint32_t dim : {0u, 1u, 7u, 100u}) {
    Pair left(equality.left, dtype, dim, 1), right(equality.right, dtype, dim, 1);
    int skipped = 0;
    for (std::uint64_t round = 1; round <= 200; ++round) {
      left.step(round);
      right.step(round);
      ASSERT_EQ(bits_of(left.h()), bits_of(right.h())) << "d = " << dim << ", round " << round;
      ASSERT_EQ(left.message().empty(), right.message().empty()) << "d = " << dim << ", round " << round;
      if (equality.same_bytes) {
        ASSERT_EQ(left.message(), right.message()) << "d = " << dim << ", round " << round;
      }
      skipped += left.message().empty() ? 1 : 0;
    }
    if (equality.right.id == "lag" && dim >= 7) {
      EXPECT_TRUE(skipped > 0 && skipped < 200) << skipped;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mechanism, Equalities,
                         ::testing::Combine(::testing::ValuesIn(equalities()), ::testing::Values(TPC_F32, TPC_F64)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) +
                                  (std::get<1>(test.param) == TPC_F32 ? "_f32" : "_f64");
                         });

/// Mechanisms that reach x itself, but for the rounding of h + (x - h).
class ReachesTheGradient : public ::testing::TestWithParam<std::tuple<Request, tpc_dtype>> {};

TEST_P(ReachesTheGradient, ToRounding) {
  const auto& [request, dtype] = GetParam();
  Pair pair(request, dtype, 100, 1);
  for (std::uint64_t round = 1; round <= 200; ++round) {
    const Values before = values_of(pair.h());
    pair.step(round);
    const Values x = GuardedVector(dtype, gradient_at(100, round, 1)).values(), h = values_of(pair.h());
    for (std::size_t j = 0; j < x.size(); ++j)
      ASSERT_NEAR(h[j], x[j], 4 * epsilon_of(dtype) * (std::abs(before[j]) + std::abs(x[j]))) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Mechanism, ReachesTheGradient,
    ::testing::Combine(::testing::Values(with("ef21", {}, "compressor", identity),
                                         with("ef21+", {}, "compressor", identity),
                                         corrected(with("ef21", {}, "compressor", keeps_some), identity),
                                         corrected({"lag", {{"zeta", 4.0}}}, identity),
                                         corrected(with("dcgd", {}, "compressor", keeps_some), identity)),
                       ::testing::Values(TPC_F32, TPC_F64)));

/// What worker 0 holds after each x of `xs`, all of three values, starting from h.
std::vector<Values> steps(const Request& request, const Values& h, const std::vector<Values>& xs) {
  Pair pair(request, TPC_F64, 3, 0);
  pair.start(GuardedVector(TPC_F64, h));
  std::vector<Values> out;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    pair.propose(i + 1, GuardedVector(TPC_F64, i == 0 ? h : xs[i - 1]), GuardedVector(TPC_F64, xs[i]));
    out.push_back(values_of(pair.h()));
  }
  return out;
}

const Request keeps_one = {"topk", {{"k", std::int64_t{1}}}};

TEST(Memory, Ef14SendsLaterWhatItLost) {
  const Values x = {3, 2, 2};
  EXPECT_EQ(steps(with("ef14", {}, "compressor", keeps_one), x, {x, x, x, x}),
            (std::vector<Values>{{3, 0, 0}, {0, 4, 0}, {6, 0, 0}, {0, 0, 8}}));
}

TEST(Memory, DcgdForgetsWhatItLost) {
  const Values x = {3, 2, 2};
  EXPECT_EQ(steps(with("dcgd", {}, "compressor", keeps_one), x, {x, x}), (std::vector<Values>{{3, 0, 0}, {3, 0, 0}}));
}

TEST(Memory, Ef21PlusTakesTheCloserOfTwo) {
  const Request request = with("ef21+", {}, "compressor", keeps_one);
  EXPECT_EQ(steps(request, {0, 5, 0}, {{10, 0, 0}}), (std::vector<Values>{{10, 0, 0}})) << "C(x) is x";
  EXPECT_EQ(steps(request, {1, 1, 1}, {{1, 1, 5}}), (std::vector<Values>{{1, 1, 5}})) << "h + C(x - h) is x";
}

TEST(Memory, DianaWithAFixedShiftOfZeroIsDcgd) {
  const Request one_of_three = {"randk", {{"k", std::int64_t{1}}}};
  const std::vector<Values> xs = {{3, 2, 2}, {5, 6, 7}, {1, -1, 4}};
  EXPECT_EQ(steps(with("diana", {{"keep", 0.0}}, "unbiased", one_of_three), {0, 0, 0}, xs),
            steps(with("dcgd", {}, "compressor", one_of_three), {0, 0, 0}, xs));
}

/// g = s + Q(x - s) and s <- s + Q(x - s)/4, all of it exact in these numbers. Rand-1 of three: 3 (x - s)_j at one j.
TEST(Memory, DianaLearnsAShareOfEveryMessage) {
  const Values x = {8, 16, -32};
  Values shift = {0, 0, 0};
  std::set<std::size_t> seen;
  for (const Values& g : steps(with("diana", {{"keep", 0.25}}, "unbiased", {"randk", {{"k", std::int64_t{1}}}}), shift,
                               {x, x, x, x, x, x, x, x})) {
    const Values message = minus(g, shift);
    const auto sent = static_cast<std::size_t>(
        std::find_if(message.begin(), message.end(), [](double v) { return v != 0; }) - message.begin());
    ASSERT_LT(sent, x.size());
    Values expected = {0, 0, 0};
    expected[sent] = 3 * (x[sent] - shift[sent]);
    EXPECT_EQ(message, expected);
    shift[sent] += expected[sent] / 4;
    seen.insert(sent);
  }
  EXPECT_GT(seen.size(), 1u);
}

/// x - h = (4, 3, 1, 0) and ||x - y||^2 = 1.
TEST(Levels, AdaCgdTakesTheCheapestThatIsGoodEnough) {
  const auto held = [](double zeta) {
    const Request keeps_two = {"topk", {{"k", std::int64_t{2}}}};
    Pair pair({"adacgd", {{"zeta", zeta}}, {{"level", keeps_one}, {"level", keeps_two}, {"level", identity}}}, TPC_F64,
              4, 0);
    pair.start(GuardedVector(TPC_F64, {0, 0, 0, 0}));
    pair.propose(1, GuardedVector(TPC_F64, {4, 3, 1, 1}), GuardedVector(TPC_F64, {4, 3, 1, 0}));
    return values_of(pair.h());
  };
  EXPECT_EQ(held(26), (Values{0, 0, 0, 0})) << "||x - h||^2 = 26 is allowed";
  EXPECT_EQ(held(25), (Values{4, 0, 0, 0})) << "the first level leaves 10";
  EXPECT_EQ(held(10), (Values{4, 0, 0, 0}));
  EXPECT_EQ(held(9), (Values{4, 3, 0, 0})) << "the second leaves 1";
  EXPECT_EQ(held(0.5), (Values{4, 3, 1, 0})) << "only the last leaves less";
}

/// The rule is ||x - h||^2 > zeta ||x - y||^2, and what is not sent costs nothing.
TEST(Laziness, SkipIsZeroBytesAndEqualityDoesNotTrigger) {
  const Request requests[] = {{"lag", {{"zeta", 1.0}}}, with("clag", {{"zeta", 1.0}}, "compressor", keeps_some)};
  for (const Request& request : requests) {
    SCOPED_TRACE(request.id);
    Pair pair(request, TPC_F64, 3, 0);
    const auto sends = [&](const Values& h, const Values& y, const Values& x) {
      pair.start(GuardedVector(TPC_F64, h));
      const Bytes before = bits_of(pair.h());
      pair.propose(1, GuardedVector(TPC_F64, y), GuardedVector(TPC_F64, x));
      EXPECT_EQ(bits_of(pair.h()) == before, pair.message().empty());
      return !pair.message().empty();
    };
    EXPECT_FALSE(sends({1, 1, 1}, {5, 5, 5}, {1, 1, 1})) << "x = h: nothing to say";
    EXPECT_FALSE(sends({0, 0, 0}, {0, 0, 0}, {1, 2, 3})) << "both distances equal";
    EXPECT_FALSE(sends({0, 0, 1}, {2, 0, 1}, {1, 0, 1})) << "both distances equal, from two sides";
    EXPECT_TRUE(sends({0, 0, 0}, {0, 1, 0}, {1, 2, 3}));
    EXPECT_TRUE(sends({0, 0, 0}, {1, 2, 3}, {1, 2, 3})) << "x = y but h is old";
  }
}

TEST(Slots, TakeOnlyTheClassTheyAsk) {
  const auto build = [](const Request& request) { Pair(request, TPC_F64, 10, 0); };
  try {
    build(with("ef21", {}, "compressor", {"randk", {{"fraction", 0.2}}}));
    FAIL() << "an unbiased compressor was taken for a contractive one";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    EXPECT_THAT(failure.what(), ::testing::HasSubstr("contractive"));
  }
  EXPECT_THROW(build(with("marina", {}, "unbiased", keeps_some)), Failure);
  try {
    build(corrected(with("diana", {}, "unbiased", identity), keeps_some));
    FAIL() << "a mechanism that lends was taken into another";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    EXPECT_THAT(failure.what(), ::testing::HasSubstr("cannot be inside another mechanism"));
  }
  EXPECT_NO_THROW(build(with("marina", {}, "unbiased", identity)));
}

}  // namespace
}  // namespace threepc::conformance
