// Workers replay the server's steps: the bits of x are those of a run that sends x itself, and far fewer go down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Set = std::vector<std::string>;

class Downlinks : public testing::Test {
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
  static Set with(Set set, const Set& more) {
    set.insert(set.end(), more.begin(), more.end());
    return set;
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(3, "inproc", 300));
};

struct Case {
  const char* name;
  Set set;
  bool replays;
};

class DownlinkCase : public Downlinks, public testing::WithParamInterface<Case> {};

TEST_P(DownlinkCase, HasTheBitsOfWholeModels) {
  const Set set = GetParam().set;
  const json whole = summary("whole", with(set, {"downlink.replay=false"}));
  const json threads = summary("threads", set);
  EXPECT_EQ(threads["x_hash"], whole["x_hash"]);
  for (const char* transport : {"tcp", "shm"}) {
    const json other = summary(transport, with(set, {std::string("transport.plugin=") + transport}));
    EXPECT_EQ(other["x_hash"], whole["x_hash"]) << transport;
    EXPECT_EQ(other["downlink_bits_per_worker"], threads["downlink_bits_per_worker"]) << transport;
  }
  const double fewer =
      whole["downlink_bits_per_worker"].get<double>() / threads["downlink_bits_per_worker"].get<double>();
  if (GetParam().replays)
    EXPECT_GT(fewer, 1.3);
  else
    EXPECT_EQ(fewer, 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, DownlinkCase,
    testing::Values(
        Case{"gd", {}, true}, Case{"f32", {"run.dtype=f32"}, true},
        Case{"heavy_ball", {"optimizer={plugin=\"heavy-ball\",stepsize=0.01}"}, true},
        Case{"nesterov", {"optimizer={plugin=\"nesterov\",stepsize=0.01,schedule=\"cosine\"}"}, true},
        Case{"adagrad", {"optimizer={plugin=\"adagrad\",stepsize=0.05}"}, true},
        Case{"adamw", {"optimizer={plugin=\"adamw\",stepsize=0.01}"}, true},
        Case{"rmsprop", {"optimizer={plugin=\"rmsprop\",stepsize=0.01}"}, true},
        Case{"lion", {"optimizer={plugin=\"lion\",stepsize=0.003}"}, true},
        Case{"adam", {"optimizer={plugin=\"adam\",stepsize=0.01}"}, false},
        Case{"sampled", {"workers.participation=0.5", "optimizer.stepsize=0.02"}, true},
        Case{"seldom", {"workers.participation=0.1", "optimizer.stepsize=0.02", "run.evaluate_every=7"}, true},
        Case{"minibatches",
             {"mechanism={plugin=\"ef21\",momentum=0.5,compressor={plugin=\"topk\",k=2}}", "optimizer.stepsize=0.02"},
             true}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(Downlinks, WhoeverSendsEverythingPaysForXAndNoMore) {
  const Set gd = {"mechanism={plugin=\"gd\"}"};
  const double dense = summary("dense", with(gd, {"downlink.replay=false"}))["downlink_bits_per_worker"];
  const double replayed = summary("replayed", gd)["downlink_bits_per_worker"];
  EXPECT_LE(replayed, dense + 301 * 8 * 32);
}

/// Another processor, another C library, a flag too many.
TEST_F(Downlinks, AWorkerWhoseStepsDifferIsSentX) {
  const Set wayward = {std::string("plugins.path=[\"") + THREEPC_TEST_BINARIES + "/plugins\"]",
                       "optimizer={plugin=\"wayward\",stepsize=0.02,from=20}"};
  const json healthy = summary("healthy", with(wayward, {"downlink.replay=false"}));
  for (const char* transport : {"tcp", "shm"}) {
    const std::string over = std::string("transport.plugin=") + transport;
    const Result result = run(transport, with(wayward, {over}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const std::string log = read_file(folder_.path(std::string(transport) + "/log.txt"));
    EXPECT_THAT(log, HasSubstr("worker 1 computes another model from the same steps"));
    EXPECT_THAT(log, AllOf(Not(HasSubstr("worker 0 computes")), Not(HasSubstr("worker 2 computes"))));
    EXPECT_EQ(read_summary(folder_.path(transport))["x_hash"], healthy["x_hash"]);
  }
}

TEST_F(Downlinks, AKeyThatIsNoneIsNamed) {
  const Result result = run("wrong", {"downlink.replays=true"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("downlink"));
}

}  // namespace
}  // namespace threepc::test
