// Functions that do not depend on the C mlp, against it; activations against finite differences and the theory of
// criticality.
#include <map>
#include <numbers>

#include "mlp_cases.hpp"
#include "network/activation.hpp"

namespace {

using namespace problems_test;

/// A few units in the last place of `scale`.
void expect_near(double seen, double want, double scale, double z, const char* what) {
  EXPECT_NEAR(seen, want, 4e-16 * std::abs(scale)) << what << " of " << z;
}

TEST(Elementary, FunctionsAreTheCLibrarys) {
  for (double z = -700; z < 700; z += 0.37) {
    expect_near(elementary::exp(z), std::exp(z), std::exp(z), z, "exp");
    expect_near(elementary::sin(z), std::sin(z), 1, z, "sin");
    expect_near(elementary::cos(z), std::cos(z), 1, z, "cos");
  }
  for (double z = -9; z < 9; z += 0.00371) {
    expect_near(elementary::exp(z), std::exp(z), std::exp(z), z, "exp");
    expect_near(elementary::sin(z), std::sin(z), std::sin(z), z, "sin");
    expect_near(elementary::tanh(z), std::tanh(z), 1.5 * std::tanh(z), z, "tanh");
    expect_near(elementary::log(std::exp2(z)), std::log(std::exp2(z)), std::log(std::exp2(z)), z, "log of 2^z");
    const double cdf = std::erfc(-z / std::sqrt(2.0)) / 2;
    expect_near(elementary::normal_cdf(z), cdf, 2.5 * std::max(1.0, z * z) * cdf, z, "normal_cdf");
  }
}

TEST(Elementary, FunctionsOfExtremesAreTheirLimits) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(elementary::exp(710), infinity);
  EXPECT_EQ(elementary::exp(-infinity), 0);
  EXPECT_EQ(elementary::exp(0), 1);
  EXPECT_EQ(elementary::tanh(infinity), 1);
  EXPECT_EQ(elementary::tanh(-1e300), -1);
  EXPECT_EQ(elementary::sigmoid(-infinity), 0);
  EXPECT_EQ(elementary::normal_cdf(infinity), 1);
  EXPECT_EQ(elementary::normal_cdf(-infinity), 0);
  EXPECT_LE(std::abs(elementary::sin(1e300)), 1);
  for (const Activation& activation : activations) EXPECT_TRUE(std::isnan(activation.value(NAN))) << activation.name;
}

TEST(Activation, SlopesAreFiniteDifferences) {
  for (const Activation& activation : activations)
    for (double z = -6; z < 6; z += 0.037) {
      const double step = 1e-6, difference = activation.value(z + step) - activation.value(z - step);
      EXPECT_NEAR(activation.slope(z), difference / (2 * step), 1e-9) << activation.name << " " << z;
      EXPECT_NEAR(activation.value(z), exact_value(activation.name, z), 1e-15 * std::max(1.0, std::abs(z)));
    }
}

/// <F(z)>, z ~ N(0, K): the trapezoid rule, exact to rounding for smooth F.
double gaussian_mean(double K, auto F) {
  double sum = 0;
  for (double u = -13; u < 13; u += 0.02) sum += 0.02 * std::exp(-u * u / 2) * F(std::sqrt(K) * u);
  return sum / std::sqrt(2 * std::numbers::pi);
}

/// chi_par = C_W d<sigma^2>/dK and chi_perp = C_W <sigma'^2> are 1 at the K that the recursion keeps. relu, which the
/// rule does not integrate, halves every square.
TEST(Activation, VariancesAreCritical) {
  const std::map<std::string, double> fixed = {
      {"linear", 1}, {"tanh", 1e-8}, {"sin", 1e-8}, {"gelu", 3.561552812809}, {"swish", 14.320173618027}};
  EXPECT_EQ(activation_of("relu").critical.weights, 2);
  for (const auto& [name, K] : fixed) {
    const Activation& a = activation_of(name);
    const double C_W = a.critical.weights;
    const double square = gaussian_mean(K, [&](double z) { return a.value(z) * a.value(z); });
    const double perpendicular = gaussian_mean(K, [&](double z) { return a.slope(z) * a.slope(z); });
    const double parallel = gaussian_mean(K, [&](double z) { return z * a.value(z) * a.slope(z); }) / K;
    EXPECT_NEAR(C_W * parallel, 1, 1e-7) << a.name;
    EXPECT_NEAR(C_W * perpendicular, 1, 1e-7) << a.name;
    EXPECT_NEAR(a.critical.biases + C_W * square, K, 1e-7 * K) << a.name;
  }
}

}  // namespace
