// That the suite would notice a constant which promises too much: for every formula of A and B there is a point where
// it is attained, so that there the inequality holds and fails as soon as A or B is 20 % better.
#include <gtest/gtest.h>

#include <memory>

#include "pair.hpp"
#include "sample.hpp"

namespace threepc::conformance {
namespace {

constexpr std::uint32_t dim = 50;  // 0.1 and 0.2 of it are whole numbers

struct Points {
  Values h, y, x;
};

const Values zero(dim), flat(dim, 1.0), twice(dim, 2.0);

/// x - y = s (y - h) with s = (1-A)/B, where Young's inequality, (u+v)^2 <= (1+s) u^2 + (1+1/s) v^2, is an equality.
Points young(const tpc::Constants& c) { return {zero, flat, Values(dim, 1 + (1 - c.A) / c.B)}; }
/// ||x - h||^2 = 4 ||x - y||^2: the last point at which LAG with zeta = 4 skips.
Points lazy(const tpc::Constants&) { return {zero, flat, twice}; }
/// Only B counts.
Points h_is_y(const tpc::Constants&) { return {zero, zero, flat}; }
/// Only A counts.
Points x_is_y(const tpc::Constants&) { return {zero, flat, flat}; }

/// 3PCv5 with Top-5, whose error on a flat vector is e = -(0 .. 0, 1 .. 1): h - y = e/t makes an equality of
/// ||h - y + e||^2 <= (1+t) ||h - y||^2 + (1+1/t) ||e||^2. t follows from B/(1-A) = (||e||^2/d) / t.
Points along_the_error(const tpc::Constants& c) {
  const double t = 0.9 * (1 - c.A) / c.B;
  return {from_index(dim, [&](auto i) { return i < 5 ? 0 : -1 / t; }), zero, flat};
}

struct Witness {
  const char* name;
  Request request;
  Points (*points)(const tpc::Constants&);
  bool of_A, of_B;  // which of the two it pins down
  std::uint32_t workers = 1;
};

Request with(const std::string& id, std::map<std::string, Value> values, std::multimap<std::string, Request> children) {
  return {id, std::move(values), std::move(children)};
}
Request topk(double fraction) { return {"topk", {{"fraction", fraction}}}; }
Request randk(double fraction, bool scaled) { return {"randk", {{"fraction", fraction}, {"scaled", scaled}}}; }

const std::vector<Witness>& witnesses() {
  const Request ef21 = with("ef21", {}, {{"compressor", topk(0.1)}}), lag = with("lag", {{"zeta", 4.0}}, {});
  const Request crandk = randk(0.3, false);
  const auto clag = [](double fraction) { return with("clag", {{"zeta", 4.0}}, {{"compressor", topk(fraction)}}); };
  const auto adacgd = [](double finest) {
    return with("adacgd", {{"zeta", 4.0}}, {{"level", topk(0.1)}, {"level", topk(finest)}});
  };
  const Request v2 = with("3pcv2", {}, {{"compressor", crandk}, {"unbiased", randk(0.2, true)}});
  const Request v5 = with("3pcv5", {{"p", 0.6}}, {{"compressor", topk(0.1)}});
  const Request marina = with("marina", {{"p", 0.3}}, {{"unbiased", randk(0.2, true)}});
  static const std::vector<Witness> all = {
      {"ef21_topk", ef21, young, true, true},
      {"ef21_crandk", with("ef21", {}, {{"compressor", crandk}}), young, true, true},
      {"ef21plus", with("ef21+", {}, {{"compressor", topk(0.1)}}), young, true, true},
      {"lag", lag, lazy, false, true},
      {"clag_by_its_compressor", clag(0.1), young, true, true},
      {"clag_by_its_trigger", clag(0.9), lazy, false, true},
      {"3pcv1", with("3pcv1", {}, {{"compressor", topk(0.1)}}), h_is_y, false, true},
      {"3pcv2_A", v2, x_is_y, true, false},
      {"3pcv2_B", v2, h_is_y, false, true},
      {"3pcv3_lag", with("3pcv3", {}, {{"inner", lag}, {"compressor", topk(0.1)}}), lazy, false, true},
      {"3pcv3_ef21", with("3pcv3", {}, {{"inner", ef21}, {"compressor", crandk}}), young, true, true},
      {"3pcv4", with("3pcv4", {}, {{"inner", randk(0.2, false)}, {"compressor", crandk}}), young, true, true},
      {"3pcv5", v5, along_the_error, true, true},
      {"adacgd_by_its_finest_level", adacgd(0.2), young, true, true},
      {"adacgd_by_its_trigger", adacgd(0.9), lazy, false, true},
      {"marina_A", marina, x_is_y, true, false},
      {"marina_B", marina, h_is_y, false, true},
      {"marina_A_of_four", marina, x_is_y, true, false, 4},
      {"marina_B_of_four", marina, h_is_y, false, true, 4},
  };
  return all;
}

Values scaled(Values v, double by) {
  for (double& value : v) value *= by;
  return v;
}

/// Worker i of the run stands at i + 1 times the witness's points.
class Members {
 public:
  explicit Members(const Witness& witness) {
    for (std::uint32_t i = 0; i < witness.workers; ++i)
      members_.push_back(std::make_unique<Pair>(witness.request, TPC_F64, dim, i, witness.workers));
    constants_ = members_[0]->worker().constants();
    const Points points = witness.points(constants_);
    for (std::uint32_t i = 0; i < witness.workers; ++i)
      points_.push_back({scaled(points.h, i + 1), scaled(points.y, i + 1), scaled(points.x, i + 1)});
  }

  const tpc::Constants& constants() const { return constants_; }

  /// ||mean(C_{h,y}(x) - x)||^2 in one round.
  double error(std::uint64_t round) {
    Values mean(dim);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const Points& p = points_[i];
      members_[i]->start(GuardedVector(TPC_F64, p.h));
      members_[i]->propose(round, GuardedVector(TPC_F64, p.y), GuardedVector(TPC_F64, p.x));
      add(mean, minus(values_of(members_[i]->h()), p.x));
    }
    return norm_sq(mean);
  }

  /// (1 - A) ||mean(h - y)||^2 + B mean ||x - y||^2
  double bound(double A, double B) const {
    Values mean(dim);
    double squares = 0;
    for (const Points& p : points_) {
      add(mean, minus(p.h, p.y));
      squares += norm_sq(minus(p.x, p.y)) / static_cast<double>(points_.size());
    }
    return (1 - A) * norm_sq(mean) + B * squares;
  }

 private:
  void add(Values& mean, const Values& v) const {
    for (std::uint32_t j = 0; j < dim; ++j) mean[j] += v[j] / static_cast<double>(points_.size());
  }

  std::vector<std::unique_ptr<Pair>> members_;
  std::vector<Points> points_;
  tpc::Constants constants_;
};

class MechanismTightness : public ::testing::TestWithParam<Witness> {};

TEST_P(MechanismTightness, ConstantsHoldAndBetterOnesDoNot) {
  Members members(GetParam());
  const double A = members.constants().A, B = members.constants().B;
  Sample error;
  for (std::uint64_t round = 1; round <= 20000; ++round) error.add(members.error(round));
  const double rounding = 1e-12 * members.bound(A, B);
  EXPECT_FALSE(error.exceeds(members.bound(A, B), rounding)) << error.mean() << " measured, A = " << A << ", B = " << B;
  if (GetParam().of_A) {
    ASSERT_LT(A, 1);
    EXPECT_TRUE(error.exceeds(members.bound(std::min(1.2 * A, 1.0), B), rounding)) << "A = " << 1.2 * A << " passes";
  }
  if (GetParam().of_B) {
    ASSERT_GT(B, 0);
    EXPECT_TRUE(error.exceeds(members.bound(A, 0.8 * B), rounding)) << "B = " << 0.8 * B << " passes";
  }
}

std::ostream& operator<<(std::ostream& out, const Witness& witness) { return out << witness.name; }

INSTANTIATE_TEST_SUITE_P(Mechanism, MechanismTightness, ::testing::ValuesIn(witnesses()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace threepc::conformance
