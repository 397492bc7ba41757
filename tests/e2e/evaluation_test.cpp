// What is said of f for the metrics alone: exactly, between two bounds, or not at all; and how often.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Set = std::vector<std::string>;

class Evaluations : public testing::Test {
 protected:
  Result run(const std::string& name, const Set& set) const {
    Set arguments = {"run", config_, "--quiet", "--out", folder_.path(name)};
    for (const std::string& item : set) arguments.insert(arguments.end(), {"--set", item});
    return run_program(arguments);
  }
  json summary(const std::string& name, const Set& set) const {
    const Result result = run(name, set);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder_.path(name));
  }
  std::vector<json> lines(const std::string& name) const { return read_metrics(folder_.path(name)); }
  static Set with(Set set, const Set& more) {
    set.insert(set.end(), more.begin(), more.end());
    return set;
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(3, "inproc", 300));
};

TEST_F(Evaluations, TheTrueNormIsBetweenTheBounds) {
  int cases = 0;
  for (const Set& set : {Set{}, Set{"run.dtype=f32"}, Set{"workers.participation=0.5", "optimizer.stepsize=0.02"},
                         Set{"mechanism.init=zero"}, Set{"mechanism.init=compressed"}}) {
    const std::string number = std::to_string(++cases);
    const json exact = summary("exact" + number, set);
    const json bound = summary("bound" + number, with(set, {"run.evaluate=bound", "transport.plugin=tcp"}));
    EXPECT_EQ(exact["x_hash"], bound["x_hash"]);
    EXPECT_EQ(bound["evaluation_bits_per_worker"], 301 * 128);
    EXPECT_GT(exact["evaluation_bits_per_worker"], 10 * 301 * 128);
    const std::vector<json> truth = lines("exact" + number), bounds = lines("bound" + number);
    ASSERT_EQ(truth.size(), bounds.size());
    for (std::size_t i = 0; i < truth.size(); ++i) {
      EXPECT_EQ(truth[i]["f"], bounds[i]["f"]);
      EXPECT_LE(bounds[i]["grad_norm_lower"], truth[i]["grad_norm"].get<double>()) << number << " line " << i;
      EXPECT_GE(bounds[i]["grad_norm"], truth[i]["grad_norm"].get<double>()) << number << " line " << i;
    }
  }
}

TEST_F(Evaluations, AStoppingRuleSeesTheUpperEnd) {
  const Set rule = {"run.rounds=100000", "run.stop.grad_norm=0.3", "run.evaluate=bound"};
  const json bound = summary("bound", rule);
  EXPECT_EQ(bound["stopped_by"], "grad_norm");
  EXPECT_LE(bound["grad_norm"], 0.3);
}

TEST_F(Evaluations, OffSaysNothing) {
  const json on = summary("on", {}), off = summary("off", {"run.evaluate=off"});
  EXPECT_EQ(off["x_hash"], on["x_hash"]);
  EXPECT_EQ(off["evaluation_bits_per_worker"], 0);
  EXPECT_EQ(off["uplink_bits_per_worker"], on["uplink_bits_per_worker"]);
  for (const json& line : lines("off")) EXPECT_TRUE(line["f"].is_null() && line["grad_norm"].is_null());
}

TEST_F(Evaluations, WhatNeedsTheGradientIsRefusedWithoutIt) {
  const auto error = [&](const Set& set) {
    const Result result = run("wrong", set);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"run.evaluate=off", "run.stop.grad_norm=0.1"}), HasSubstr("is a rule about the gradient"));
  EXPECT_THAT(error({"run.evaluate=bound", "run.measure=true"}), HasSubstr("compares with the true gradient"));
  EXPECT_THAT(error({"run.evaluate_every=never"}), HasSubstr("expected \"auto\" or a number of rounds"));
  EXPECT_THAT(error({"run.evaluate=sometimes"}), HasSubstr("bound"));
}

TEST_F(Evaluations, AutoSpendsATenthAtTheMost) {
  for (const char* how : {"exact", "bound"}) {
    const Set set = {"run.evaluate_every=auto", std::string("run.evaluate=") + how, "run.rounds=3000"};
    const json all = summary(how, set);
    const double method = all["uplink_bits_per_worker"].get<double>() + all["downlink_bits_per_worker"].get<double>();
    const double once = std::string(how) == "exact" ? 8 * (8 + 50 * 8) : 128;
    EXPECT_LE(all["evaluation_bits_per_worker"], method / 10 + 2 * once) << how;
    EXPECT_GT(all["evaluation_bits_per_worker"], method / 20) << how;
    EXPECT_EQ(lines(how).front()["round"], 0);
    EXPECT_EQ(lines(how).back()["round"], 3000);
  }
}

TEST_F(Evaluations, AutoIsTheSameOnEveryTransportAndAfterARestart) {
  const Set set = {"run.evaluate_every=auto"};
  const json threads = summary("threads", set);
  for (const char* transport : {"tcp", "shm"})
    EXPECT_EQ(summary(transport, with(set, {std::string("transport.plugin=") + transport}))["x_hash"],
              threads["x_hash"]);
  static_cast<void>(summary("short", with(set, {"run.rounds=100", "transport.plugin=tcp"})));
  const Result more = run_program({"run", "--quiet", "--resume", folder_.path("short"), "--set", "run.rounds=300"});
  EXPECT_EQ(more.exit_code, 0) << more.err;
  const std::vector<json> resumed = lines("short"), whole = lines("threads");
  ASSERT_EQ(resumed.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(resumed[i]["round"], whole[i]["round"]);
  EXPECT_EQ(read_summary(folder_.path("short"))["x_hash"], threads["x_hash"]);
}

TEST_F(Evaluations, ACompressedStartIsShort) {
  const json dense = summary("dense", {}), compressed = summary("compressed", {"mechanism.init=compressed"});
  EXPECT_GE(lines("dense").front()["uplink_bits_per_worker"], 50 * 64);
  EXPECT_LE(lines("compressed").front()["uplink_bits_per_worker"], 5 * (64 + 8) + 16);
  EXPECT_EQ(lines("compressed").front()["uplink_floats_per_worker"], 5);
  EXPECT_LT(lines("compressed").back()["grad_norm"], lines("compressed").front()["grad_norm"].get<double>());
  EXPECT_EQ(summary("tcp", {"mechanism.init=compressed", "transport.plugin=tcp"})["x_hash"], compressed["x_hash"]);
}

}  // namespace
}  // namespace threepc::test
