// Who made the NaN: every kind of operation, decoded by itself, in f32 and f64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "pair.hpp"

namespace threepc::conformance {
namespace {

constexpr std::uint32_t dim = 9;
const Request identity{"identity"};
const Request topk{"topk", {{"k", std::int64_t{2}}}};

struct Guilty {
  const char* label;
  Request request;
  const char* who;  // sends a NaN gradient on
};

std::ostream& operator<<(std::ostream& out, const Guilty& guilty) { return out << guilty.label; }

const Guilty guilty[] = {
    {"dense_reset", {"gd"}, "mechanism 'gd'"},
    {"dense_add", {"ef21+", {}, {{"compressor", topk}}}, "compressor 'topk'"},
    {"sparse_add", {"ef21", {}, {{"compressor", topk}}}, "compressor 'topk'"},
    {"add_of_all", {"ef21", {}, {{"compressor", identity}}}, "compressor 'identity'"},
    {"lend", {"diana", {}, {{"unbiased", identity}}}, "compressor 'identity'"},
    {"reset_by_a_compressor", {"3pcv1", {}, {{"compressor", identity}}}, ""},
};

class Culprit : public ::testing::TestWithParam<std::tuple<Guilty, tpc_dtype>> {
 protected:
  /// Its message of round 1, for a gradient whose first value is `first`.
  std::string found(double first) const {
    const auto& [of, dtype] = GetParam();
    Pair pair(of.request, dtype, dim, 1);
    const GuardedVector y(dtype, gradient_at(dim, 0, 1));
    Values next = gradient_at(dim, 1, 1);
    next[0] = first;
    pair.propose(1, y, GuardedVector(dtype, next));
    return pair.worker().culprit(1, 1, pair.message());
  }
};

TEST_P(Culprit, IsWhoSentWhatIsNotFinite) {
  const std::string who = std::get<0>(GetParam()).who;
  EXPECT_EQ(found(0.5), "");
  EXPECT_NE(found(NAN), "");
  EXPECT_NE(found(INFINITY), "");
  EXPECT_THAT(found(NAN), ::testing::HasSubstr(who));
}

INSTANTIATE_TEST_SUITE_P(Mechanism, Culprit,
                         ::testing::Combine(::testing::ValuesIn(guilty), ::testing::Values(TPC_F32, TPC_F64)),
                         [](const auto& test) {
                           const bool narrow = std::get<1>(test.param) == TPC_F32;
                           return std::get<0>(test.param).label + std::string(narrow ? "_f32" : "_f64");
                         });

}  // namespace
}  // namespace threepc::conformance
