// Randomised methods against an independent implementation with other random numbers: how long they take to reach a
// small gradient, against the quantiles of ten of its seeds. Where the workers' gradients are equal and Perm-K sends
// all of their mean, all seeds take the same number of rounds. MARINA-Rand10: see docs/experiments.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;

json reference() {
  return json::parse(read_file(std::string(THREEPC_TEST_SOURCES) + "/reference/randomised_quadratic_s0.json"));
}

std::string config_of(const json& all, const json& row) {
  std::ostringstream text;
  text << "[run]\nevaluate_every = 1\nrounds = 30000\n[run.stop]\ngrad_norm_sq = " << all["tol"]
       << "\n[workers]\ncount = " << all["n"] << "\n[problem]\nplugin = \"quadratic\"\ndim = " << all["d"]
       << "\ns = 0.0\n[optimizer]\nplugin = \"gd\"\n";
  // Where the reference's theory does not know that the workers' compressors are correlated, its step size is given.
  if (row.contains("multiplier"))
    text << "multiplier = " << row["multiplier"] << "\n";
  else
    text << "stepsize = " << row["gamma"] << "\n";
  return text.str();
}

struct Cost {
  double rounds, floats;
};

Cost reach_the_tolerance(const json& all, const json& row, int seed) {
  const Folder folder;
  const std::string config = folder.write("run.toml", config_of(all, row));
  const Result result =
      run_program({"run", config, "--quiet", "--out", folder.path("run"), "--set", "run.seed=" + std::to_string(seed),
                   "--set", "mechanism=" + row["mechanism"].get<std::string>()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const json summary = read_summary(folder.path("run"));
  EXPECT_EQ(summary["stopped_by"], "grad_norm_sq");
  EXPECT_NEAR(summary["stepsize"].get<double>() / row["gamma"].get<double>(), 1, 1e-12);
  const double floats = summary["uplink_floats_per_worker"].get<double>() - all["d"].get<double>();  // of the start
  return {summary["round"].get<double>(), floats};
}

class Randomised : public testing::TestWithParam<int> {};

TEST_P(Randomised, TakesAsLongAsTheReference) {
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "thousands of rounds with a hundred workers: optimised builds only";
#endif
  const json all = reference(), row = all["rows"][GetParam()];
  std::vector<double> rounds;
  for (int seed = 1; seed <= row["seeds"]; ++seed) {
    const Cost cost = reach_the_tolerance(all, row, seed);
    if (row.contains("floats_per_round")) {
      EXPECT_DOUBLE_EQ(cost.floats, row["floats_per_round"].get<double>() * cost.rounds);
    }
    rounds.push_back(cost.rounds);
  }
  std::sort(rounds.begin(), rounds.end());
  const double median = rounds[rounds.size() / 2];
  EXPECT_GE(median, row["rounds"]["min"].get<double>());
  EXPECT_LE(median, row["rounds"]["max"].get<double>());
}

INSTANTIATE_TEST_SUITE_P(Trajectories, Randomised, testing::Range(0, 5));

}  // namespace
}  // namespace threepc::test
