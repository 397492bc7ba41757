// Dense networks in runs: the same bits on every transport and number of threads, after kill and resume; metrics of the
// rows that nobody trains on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "graph/splitmix64.hpp"
#include "training.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Points of the square, of the class of their quadrant: no linear model can tell them apart.
std::string quadrants(int rows) {
  graph::SplitMix64 random(5);
  std::ostringstream out;
  for (int r = 0; r < rows; ++r) {
    const double x = 2 * random.uniform() - 1, y = 2 * random.uniform() - 1;
    out << (x * y > 0 ? 1 : 2) << " 1:" << x << " 2:" << y << "\n";
  }
  return out.str();
}

class MlpRun : public Training {
 protected:
  MlpRun()
      : Training(
            "[run]\nrounds = 200\nevaluate_every = 50\n[workers]\ncount = 4\nbatch = 16\n"
            "[problem]\nplugin = \"mlp\"\ndata = \"quadrants\"\nhidden = [16, 12]\n"
            "activation = \"gelu\"\nheld_out = 0.2\nsplit = \"shuffled\"\n"
            "[mechanism]\nplugin = \"ef21\"\nmomentum = 0.5\n"
            "compressor = {plugin = \"topk\", fraction = 0.2, per = \"layer\"}\n"
            "[optimizer]\nplugin = \"gd\"\nstepsize = 0.3\n") {}

  std::string data_ = folder_.write("quadrants", quadrants(400));
};

const std::vector<const char*> compared = {"x_hash", "f", "metrics", "uplink_bits_per_worker"};

TEST_F(MlpRun, HasTheSameBitsOnEveryTransportAndNumberOfThreads) {
  for (const char* dtype : {"run.dtype=f64", "run.dtype=f32"}) {
    const json expected = summary("inproc", {dtype, "workers.threads=1"});
    for (const char* other : {"workers.threads=3", "transport.plugin=tcp", "transport.plugin=shm"}) {
      const json seen = summary("other", {dtype, other});
      for (const char* key : compared) EXPECT_EQ(seen[key], expected[key]) << dtype << " " << other << " " << key;
    }
  }
}

/// The C library has other functions for processors that fuse multiply-add; here it is told that this one does not.
TEST_F(MlpRun, HasTheSameBitsOnOlderProcessors) {
  for (const Set& activation : {Set{"problem.activation=gelu"},
                                {"problem.activation=swish"},
                                {"problem.activation=sin"},
                                {"problem.activation=tanh"}}) {
    const json expected = summary("new", activation);
    setenv("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-FMA,-FMA4", 1);
    const json seen = summary("old", activation);
    unsetenv("GLIBC_TUNABLES");
    for (const char* key : compared) EXPECT_EQ(seen[key], expected[key]) << activation[0] << " " << key;
  }
}

/// Without momentum, whose v is gone with a worker.
TEST_F(MlpRun, HasTheSameBitsAfterAWorkerWasKilled) {
  const json expected = summary("whole", {"mechanism.momentum=1.0"});
  const json seen =
      summary("killed", {"mechanism.momentum=1.0", "transport.plugin=tcp", "transport.timeout=5",
                         "faults.on_worker_loss=wait", "faults.inject=[{kind=\"kill\",worker=2,round=70}]"});
  for (const char* key : compared) EXPECT_EQ(seen[key], expected[key]) << key;
  EXPECT_GE(seen["worker_losses"], 1);
}

TEST_F(MlpRun, HasTheSameBitsAfterAResume) {
  const json expected = summary("whole");
  summary("half", {"run.rounds=90"});
  const Result result = run_program({"run", "--resume", folder_.path("half"), "--set", "run.rounds=200", "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json resumed = read_summary(folder_.path("half"));
  for (const char* key : compared) EXPECT_EQ(resumed[key], expected[key]) << key;
}

TEST_F(MlpRun, LearnsWhatNoLinearModelCan) {
  const Set longer = {"run.rounds=1500", "run.evaluate_every=500"};
  Set linear = longer;
  linear.push_back("problem={plugin=\"mlp\",data=\"" + data_ + "\",held_out=0.2}");
  EXPECT_GT(summary("deep", longer)["metrics"]["held_out_accuracy"], 0.9);
  EXPECT_LT(summary("linear", linear)["metrics"]["held_out_accuracy"], 0.75);
}

/// However many workers there are, the mean over them is over all rows.
TEST_F(MlpRun, OfManyWorkersMeasuresWhatOneDoes) {
  const auto start = [&](const char* count) {
    summary("start", {count, "run.rounds=1", "run.evaluate_every=1"});
    return read_metrics(folder_.path("start")).front();
  };
  const json one = start("workers.count=1"), four = start("workers.count=4");
  EXPECT_NEAR(one["f"].get<double>(), four["f"].get<double>(), 1e-14);
  for (const char* key : {"accuracy", "held_out_accuracy", "held_out_loss"})
    EXPECT_NEAR(one["metrics"][key].get<double>(), four["metrics"][key].get<double>(), 1e-14) << key;
}

TEST_F(MlpRun, HasNoStepFromTheory) {
  const Result result = run("refused", {"optimizer.stepsize=theory", "workers={count=4}", "mechanism={plugin=\"gd\"}"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("the problem 'mlp' knows no smoothness constants"));
}

/// What configs/mnist-mlp.toml promises, in fewer rounds.
TEST(MnistMlp, LearnsToReadDigits) {
  const char* folder = std::getenv("THREEPC_DATA");
  if (folder == nullptr || !std::filesystem::exists(std::string(folder) + "/t10k-images-idx3-ubyte.gz"))
    GTEST_SKIP() << "THREEPC_DATA has no MNIST test set";
  const Folder out;
  const Result result = run_program({"run", THREEPC_TEST_SOURCES "/../../configs/mnist-mlp.toml", "--quiet", "--out",
                                     out.path("run"), "--set", "run.rounds=500", "--set", "run.evaluate_every=500"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json metrics = read_summary(out.path("run"))["metrics"];
  EXPECT_GT(metrics["held_out_accuracy"], 0.88);
}

}  // namespace
}  // namespace threepc::test
