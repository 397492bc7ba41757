// Theory at work: the guarantee behind stepsize = "theory", and the refusals where there is none.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;

constexpr double lambda = 0.05;  // smallest eigenvalue of the Hessian of f

std::string problem(int rounds) {
  return "[run]\nevaluate_every = 1\nmeasure = true\nrounds = " + std::to_string(rounds) +
         "\n[workers]\ncount = 5\n[problem]\nplugin = \"quadratic\"\ndim = 60\ns = 0.5\nlambda = 0.05\n"
         "[mechanism]\nplugin = \"gd\"\n";
}

/// A lower bound of f that a long run of gradient descent proves: f is lambda-strongly convex, so
/// f^inf >= f(x) - ||grad f(x)||^2 / (2 lambda).
double infimum(const Folder& folder) {
  const std::string config = folder.write("gd.toml", problem(3000));
  EXPECT_EQ(run_program({"run", config, "--quiet", "--out", folder.path("gd")}).exit_code, 0);
  const json last = read_summary(folder.path("gd"));
  EXPECT_LT(last["grad_norm_sq"].get<double>(), 1e-12);
  return last["f"].get<double>() - last["grad_norm_sq"].get<double>() / (2 * lambda);
}

struct Method {
  const char* name;
  const char* table;
};

std::ostream& operator<<(std::ostream& out, const Method& method) { return out << method.name; }

class Guarantee : public testing::TestWithParam<Method> {};

/// min_{t < T} ||grad f(x^t)||^2 <= 2 (f(x^0) - f^inf) / (gamma T) + G^0 / (A T) for every T (3PC, Theorem 5.5), with
/// G^0 as the run measured it.
TEST_P(Guarantee, HoldsInEveryRound) {
  const Folder folder;
  const double f_inf = infimum(folder);
  for (const char* init : {"gradient", "zero"}) {
    const std::string config = folder.write("run.toml", problem(400));
    const Result result =
        run_program({"run", config, "--quiet", "--force", "--out", folder.path("run"), "--set",
                     std::string("mechanism=") + GetParam().table, "--set", std::string("mechanism.init=") + init});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json summary = read_summary(folder.path("run"));
    const double gamma = summary["stepsize"], A = summary["A"];
    const std::vector<json> lines = read_metrics(folder.path("run"));
    const double f_0 = lines[0]["f"], G_0 = lines[0]["G"];
    EXPECT_EQ(G_0 == 0, std::string(init) == "gradient");
    double best = INFINITY;
    for (std::size_t t = 0; t < lines.size(); ++t) {
      best = std::min(best, lines[t]["grad_norm_sq"].get<double>());
      const auto T = static_cast<double>(t + 1);
      ASSERT_LE(best, 2 * (f_0 - f_inf) / (gamma * T) + G_0 / (A * T)) << init << ", T = " << T;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Guarantee,
                         testing::Values(Method{"gd", "{plugin='gd'}"},
                                         Method{"ef21", "{plugin='ef21',compressor={plugin='topk',k=3}}"},
                                         Method{"lag", "{plugin='lag',zeta=4.0}"},
                                         Method{"clag", "{plugin='clag',zeta=4.0,compressor={plugin='topk',k=3}}"},
                                         Method{"narrow", "{plugin='ef21',compressor={plugin='cast',to='f8_e4m3'}}"}),
                         [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Mechanisms, Guarantee,
    testing::Values(Method{"3pcv1", "{plugin='3pcv1',compressor={plugin='topk',k=3}}"},
                    Method{"3pcv3", "{plugin='3pcv3',inner={plugin='lag',zeta=4.0},compressor={plugin='topk',k=3}}"},
                    Method{"3pcv4", "{plugin='3pcv4',inner={plugin='topk',k=2},compressor={plugin='topk',k=3}}"},
                    Method{"ef21plus", "{plugin='ef21+',compressor={plugin='topk',k=3}}"},
                    Method{"adacgd", "{plugin='adacgd',zeta=4.0,level=[{plugin='topk',k=2},{plugin='topk',k=9}]}"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Measure, NamesThePluginThatPromisesTooMuch) {
  const Folder folder;
  const std::string config = folder.write("run.toml", problem(50));
  const Result result =
      run_program({"run", config, "--out", folder.path("run"), "--set",
                   std::string("plugins.path=[\"") + THREEPC_TEST_BINARIES + "/plugins\"]", "--set",
                   "mechanism={plugin='ef21',compressor={plugin='boastful'}}", "--set", "optimizer.stepsize=0.1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("compressor 'boastful' in [mechanism.compressor] violates a constant"), std::string::npos)
      << result.err;
  EXPECT_NE(read_file(folder.path("run/log.txt")).find("'boastful'"), std::string::npos);
}

TEST(Theory, IsRefusedWithMomentumAndWorksWithANumber) {
  const Folder folder;
  const std::string config = folder.write("run.toml", problem(50));
  const std::vector<std::string> run = {
      "run", config, "--quiet", "--force", "--out", folder.path("run"), "--set", "mechanism.momentum=0.5"};
  const Result refused = run_program(run);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("this run has [mechanism] momentum"), std::string::npos) << refused.err;
  std::vector<std::string> numbered = run;
  numbered.insert(numbered.end(), {"--set", "optimizer.stepsize=0.5"});
  const Result result = run_program(numbered);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

/// gamma = min{1 / (L_minus + L_plus sqrt(2B/A)), A / (2 mu)}.
TEST(Theory, TakesThePLConstantIntoAccount) {
  const Folder folder;
  const std::string config = folder.write("run.toml", problem(2));
  const auto stepsize = [&](const std::string& mu) {
    const Result result =
        run_program({"run", config, "--quiet", "--force", "--out", folder.path("run"), "--set",
                     "mechanism={plugin='ef21',compressor={plugin='topk',k=3}}", "--set", "optimizer.mu=" + mu});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder.path("run"));
  };
  const json small = stepsize("1e-9"), large = stepsize("10.0");
  const double A = small["A"], B = small["B"];
  const double general = 1 / (small["L_minus"].get<double>() + small["L_plus"].get<double>() * std::sqrt(2 * B / A));
  EXPECT_DOUBLE_EQ(small["stepsize"].get<double>(), general);
  EXPECT_DOUBLE_EQ(large["stepsize"].get<double>(), A / 20);
}

}  // namespace
}  // namespace threepc::test
