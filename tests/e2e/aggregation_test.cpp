// Rules in place of the mean: trainings through workers that attack, with the same bits wherever they run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "training.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// 2 of 10 turn their gradients round, and are loud.
const std::string attacked =
    R"(faults.inject=[{kind="attack",worker=3,round=0,size=10},{kind="attack",worker=7,round=0,size=10}])";

class Aggregation : public Training {
 protected:
  Aggregation()
      : Training(
            "[run]\nrounds = 400\nevaluate_every = 50\n[workers]\ncount = 10\n"
            "[problem]\nplugin = \"quadratic\"\ndim = 50\ns = 0.1\nlambda = 0.3\n"
            "[mechanism]\nplugin = \"ef21\"\n"
            "compressor = {plugin = \"topk\", k = 10}\n"
            "[optimizer]\nplugin = \"gd\"\nstepsize = 0.1\n") {}
};

const Set rules = {R"(aggregation={rule="median"})", R"(aggregation={rule="trimmed-mean",beta=0.2})",
                   R"(aggregation={rule="krum",byzantine=2})", R"(aggregation={rule="multi-krum",byzantine=2})",
                   R"(aggregation={rule="geometric-median"})"};

TEST_F(Aggregation, TrainsThroughAttacksWhereTheMeanDiverges) {
  EXPECT_EQ(run("mean", {attacked}).exit_code, 3);
  const double start = read_metrics(folder_.path("mean"))[0]["grad_norm"];
  for (const char* mechanism : {R"(mechanism={plugin="ef21",compressor={plugin="topk",k=10}})",
                                R"(mechanism={plugin="marina",p=0.2,unbiased={plugin="randk",k=10}})"})
    for (const std::string& rule : rules)
      EXPECT_LT(summary("robust", {attacked, rule, mechanism})["grad_norm"].get<double>(), 0.2 * start)
          << rule << " " << mechanism;
}

TEST_F(Aggregation, HasTheSameBitsOnEveryTransportAfterKillAndResume) {
  for (const std::string& rule : rules) {
    const json expected = summary("inproc", {rule});
    for (const char* transport : {"tcp", "shm"})
      EXPECT_EQ(summary(transport, {rule, std::string("transport.plugin=") + transport})["x_hash"], expected["x_hash"])
          << rule << " over " << transport;
    EXPECT_EQ(summary("killed", {rule, "transport.plugin=tcp", "faults.on_worker_loss=wait",
                                 R"(faults.inject=[{kind="kill",worker=3,round=100}])"})["x_hash"],
              expected["x_hash"])
        << rule;
    summary("half", {rule, "run.rounds=150"});
    EXPECT_EQ(run_program({"run", "--resume", folder_.path("half"), "--set", "run.rounds=400", "--quiet"}).exit_code,
              0);
    EXPECT_EQ(read_summary(folder_.path("half"))["x_hash"], expected["x_hash"]) << rule;
  }
}

TEST_F(Aggregation, OfTheMeanIsWhatItWas) {
  EXPECT_EQ(summary("said", {R"(aggregation={rule="mean"})"})["x_hash"], summary("unsaid", {})["x_hash"]);
}

TEST_F(Aggregation, OfImmenseRowsGoesOnWhereTheMeanWouldBlameThem) {
  const Set immense = {
      R"(faults.inject=[{kind="attack",worker=4,round=5,attack="large",size=1e12},{kind="attack",worker=5,round=0,attack="noise"}])",
      "run.dtype=f32"};
  Set with_rule = immense;
  with_rule.push_back(rules[0]);
  EXPECT_LT(summary("immense", with_rule)["grad_norm"].get<double>(), 0.1);
  EXPECT_NE(run("mean", immense).exit_code, 0);
}

TEST_F(Aggregation, IsRefusedWhatItCannotDo) {
  EXPECT_THAT(refusal({R"(aggregation={rule="krum",byzantine=4})"}),
              HasSubstr("needs n >= 2 x 4 + 3 = 11 workers, and there are 10"));
  EXPECT_THAT(refusal({R"(aggregation={rule="krum"})"}), HasSubstr("needs the key 'byzantine'"));
  EXPECT_THAT(refusal({R"(aggregation={rule="medina"})"}), HasSubstr("median"));
  EXPECT_THAT(refusal({rules[0], "optimizer.stepsize=theory"}), HasSubstr("give a number"));
  EXPECT_THAT(refusal({rules[0], "run.evaluate=bound"}), HasSubstr("use \"exact\" or \"off\""));
  EXPECT_THAT(refusal({rules[0], R"(topology={plugin="ring"})", R"(optimizer={plugin="atc",stepsize=0.1})"}),
              HasSubstr("on a graph there is none"));
  EXPECT_THAT(refusal({rules[0], R"(mechanism={plugin="diana",unbiased={plugin="randk",k=5}})"}),
              HasSubstr("lends, so its g_i are no rows"));
  EXPECT_THAT(refusal({R"(faults.inject=[{kind="attack",worker=-1,round=0}])"}), HasSubstr("the server"));
}

}  // namespace
}  // namespace threepc::test
