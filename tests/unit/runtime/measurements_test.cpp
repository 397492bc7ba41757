// Measured constants, and the word about a plugin that promises more than it keeps.
#include "members/star/measurements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <threepc/sdk.hpp>

#include "method/aggregate.hpp"
#include "method/encoder.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Halves every value, so that ||C(v) - v||^2 = ||v||^2 / 4, and declares alpha = percent / 100.
template <class T, int percent>
class Half {
 public:
  static constexpr tpc::About about = {.id = "half", .version = "1.0.0", .summary = "For this test."};
  static constexpr auto params = tpc::params();
  Half(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}
  tpc::Constants constants() const { return {.alpha = percent / 100.0}; }
  std::uint64_t max_payload() const { return dim_ * sizeof(T); }
  void encode(const tpc::Context&, tpc::Difference<T> v, tpc::Writer& out) {
    for (std::uint32_t i = 0; i < dim_; ++i) out.put(T(v[i] / 2));
  }
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(dim_);
    for (std::uint32_t i = 0; i < dim_; ++i) out.add(i, values[i]);
    return dim_;
  }

 private:
  std::uint32_t dim_;
};
template <class T>
using HonestHalf = Half<T, 75>;
template <class T>
using BoastfulHalf = Half<T, 80>;

/// EF21 with A and B computed for `percent` more than the compressor's alpha.
template <class T, int percent>
class Feedback {
 public:
  static constexpr tpc::About about = {.id = "feedback", .version = "1.0.0", .summary = "For this test."};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {tpc::compressor_slot("compressor", tpc::Accepts::contractive, "C")};
  Feedback(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Constants constants(std::span<const tpc::Constants> children) const {
    const double rest = std::sqrt(1 - children[0].alpha * (1 + percent / 100.0));
    return {.A = 1 - rest, .B = rest * rest / (1 - rest)};
  }
  void propose(const tpc::Context&, const tpc::Points<T>& p, tpc::Program<T>& program) { program.add(0, p.x, p.h); }
};
template <class T>
using HonestFeedback = Feedback<T, 0>;
template <class T>
using BoastfulFeedback = Feedback<T, 30>;

PluginSpec spec_of(const tpc_descriptor& mechanism, const tpc_descriptor& compressor) {
  const PluginSpec child{&compressor, "test", "mechanism.compressor", {}, {}, {}};
  return {&mechanism, "test", "mechanism", {}, {child}, {}};
}

/// Twenty rounds of three workers whose x hardly moves, so that h - y carries the inequality.
std::vector<std::string> warnings_of(const PluginSpec& spec, std::vector<NamedValue>& last) {
  constexpr std::uint32_t n = 3, d = 40;
  Replica server(spec, {TPC_F64, d, n, TPC_SERVER, 7});
  Measurements measurements(server);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<Encoder> encoders;
  std::vector<RawVector> x;
  std::vector<std::uint8_t> message;
  for (std::uint32_t i = 0; i < n; ++i) {
    encoders.emplace_back(spec, Membership{TPC_F64, d, n, i, 7});
    x.emplace_back(TPC_F64, d);
    for (std::uint32_t j = 0; j < d; ++j) static_cast<double*>(x[i].data())[j] = normal(random);
  }
  std::vector<std::string> warnings;
  for (std::uint64_t round = 1; round <= 20; ++round) {
    measurements.begin_round();
    for (std::uint32_t i = 0; i < n; ++i) {
      Measurement measured;
      encoders[i].propose(round, 0.1, x[i].data(), x[i].data(), message, &measured);
      Bytes bytes;
      const double gap = distance_sq(TPC_F64, d, encoders[i].h().sum().data(), x[i].data());
      Measurements::append_to(bytes, gap, encoders[i], &measured);
      EXPECT_EQ(bytes.size(), Measurements::doubles(server) * sizeof(double));
      measurements.add(bytes);
    }
    last = measurements.finish_round(round, 0.5);
    for (const std::string& warning : measurements.take_warnings()) warnings.push_back(warning);
  }
  return warnings;
}

double value_of(const std::vector<NamedValue>& values, const std::string& key) {
  for (const NamedValue& named : values)
    if (named.key == key) return named.value;
  ADD_FAILURE() << "no value " << key;
  return NAN;
}

TEST(Measurements, HonestConstantsPassAndAreReported) {
  std::vector<NamedValue> last;
  EXPECT_THAT(warnings_of(spec_of(tpc::mechanism<HonestFeedback>, tpc::compressor<HonestHalf>), last), IsEmpty());
  EXPECT_NEAR(value_of(last, "compression_error.compressor"), 0.25, 1e-12);
  EXPECT_EQ(value_of(last, "compression_bound.compressor"), 0.25);
  EXPECT_NEAR(value_of(last, "inequality_lhs") / value_of(last, "inequality_rhs"), 0.5, 1e-9);
  EXPECT_EQ(value_of(last, "inequality_lhs"), value_of(last, "G"));
  EXPECT_EQ(value_of(last, "aggregate_error"), 0.5);
}

TEST(Measurements, ABoastfulCompressorIsNamedOnce) {
  std::vector<NamedValue> last;
  EXPECT_THAT(warnings_of(spec_of(tpc::mechanism<HonestFeedback>, tpc::compressor<BoastfulHalf>), last),
              ElementsAre(HasSubstr("compressor 'half' in [mechanism.compressor] violates")));
}

/// With x = y EF21 contracts by 1 - alpha, and 1 - A = sqrt(1 - alpha) leaves room: 30 % too much uses it up.
TEST(Measurements, ABoastfulMechanismIsNamedOnce) {
  std::vector<NamedValue> last;
  const auto warnings = warnings_of(spec_of(tpc::mechanism<BoastfulFeedback>, tpc::compressor<HonestHalf>), last);
  EXPECT_GT(value_of(last, "inequality_lhs"), value_of(last, "inequality_rhs"));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("mechanism 'feedback' violates")));
}

}  // namespace
}  // namespace threepc
