// What a run promises: the same bits on every transport and number of threads, the contract's files and keys.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;

/// What may differ between transports.
std::vector<json> comparable(const std::string& run_folder) {
  std::vector<json> lines = read_metrics(run_folder);
  for (json& line : lines) {
    line.erase("seconds");
    line.erase("wire_bytes");
  }
  return lines;
}

struct Method {
  const char* name;
  std::vector<std::string> set;
};

std::ostream& operator<<(std::ostream& out, const Method& method) { return out << method.name; }

const std::string levels = "mechanism={plugin='adacgd', zeta=2, level=[{plugin='topk', k=2}, {plugin='topk', k=10}]}";

class SameBits : public testing::TestWithParam<Method> {};

TEST_P(SameBits, OnEveryTransportAndNumberOfThreads) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(5, "inproc", 60));
  const auto run = [&](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"run", config, "--quiet", "--out", folder.path(name)};
    for (const std::string& set : GetParam().set) arguments.insert(arguments.end(), {"--set", set});
    for (const std::string& set : more) arguments.insert(arguments.end(), {"--set", set});
    const Result result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder.path(name))["x_hash"].get<std::string>();
  };
  const std::string one = run("one", {});
  const auto& set = GetParam().set;
  const bool paced = std::find(set.begin(), set.end(), "optimizer.schedule=cosine") != set.end();
  EXPECT_EQ(run("four", {"workers.threads=4"}), one);
  EXPECT_EQ(run("tcp", {"transport.plugin=tcp"}), one);
  EXPECT_EQ(run("shm", {"transport.plugin=shm"}), one);
  EXPECT_EQ(comparable(folder.path("tcp")), comparable(folder.path("one")));
  run("resumed", {"run.rounds=30", "checkpoint.every_rounds=7"});
  const Result resumed = run_program({"run", "--resume", folder.path("resumed"), "--quiet", "--set", "run.rounds=60"});
  if (paced) {
    EXPECT_EQ(resumed.exit_code, 2) << resumed.err;  // the step sizes depend on run.rounds
  } else {
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_EQ(read_summary(folder.path("resumed"))["x_hash"], one);
  }
  EXPECT_EQ(comparable(folder.path("four")), comparable(folder.path("one")));
  EXPECT_NE(run("other", {"run.seed=2"}), one);
}

INSTANTIATE_TEST_SUITE_P(
    Methods, SameBits,
    testing::Values(Method{"ef21", {}}, Method{"f32", {"run.dtype=f32"}}, Method{"zero", {"mechanism.init=zero"}},
                    Method{"clag", {"mechanism.plugin=clag", "mechanism.zeta=4"}},
                    Method{"randk", {"mechanism.compressor={plugin=\"randk\", k=5, scaled=false}"}},
                    Method{"3pcv2", {"mechanism.plugin=3pcv2", "mechanism.unbiased={plugin=\"randk\", k=2}"}},
                    Method{"momentum", {"mechanism.momentum=0.3", "optimizer.stepsize=0.05"}},
                    Method{"measured", {"run.measure=true", "optimizer.schedule=cosine", "optimizer.warmup=5"}},
                    Method{"composed",
                           {"mechanism.compressor={plugin='compose', selector={plugin='topk', k=5}, "
                            "values={plugin='cast', to='bf16'}}"}},
                    Method{
                        "scaled_f32",
                        {"run.dtype=f32", "mechanism.compressor={plugin='scaled', compressor={plugin='randk', k=5}}"}},
                    Method{"marina", {"mechanism={plugin=\"marina\", p=0.2, unbiased={plugin=\"randk\", k=5}}"}}),
    [](const auto& method) { return "Method_" + std::string(method.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Mechanisms, SameBits,
    testing::Values(Method{"3pcv1", {"mechanism.plugin=3pcv1"}},
                    Method{"3pcv3",
                           {"mechanism={plugin='3pcv3', inner={plugin='ef21+', compressor={plugin='topk', k=2}}, "
                            "compressor={plugin='topk', k=3}}"}},
                    Method{"3pcv4", {"mechanism.plugin=3pcv4", "mechanism.inner={plugin='topk', k=2}"}},
                    Method{"3pcv5", {"mechanism.plugin=3pcv5"}}, Method{"ef21plus", {"mechanism.plugin=ef21+"}},
                    Method{"ef14", {"mechanism.plugin=ef14", "optimizer.stepsize=0.05"}},
                    Method{"dcgd", {"mechanism.plugin=dcgd", "optimizer.stepsize=0.05"}},
                    Method{"diana",
                           {"mechanism={plugin='diana', unbiased={plugin='randk', k=5}}", "optimizer.stepsize=0.05"}},
                    Method{"adacgd", {levels}}, Method{"adam", {"optimizer={plugin='adam', stepsize=0.01}"}}),
    [](const auto& method) { return "Method_" + std::string(method.param.name); });

TEST(Run, WritesTheFilesAndKeysOfTheContract) {
  const Folder folder;
  const std::string config = folder.write("first.toml", small_config(3, "tcp", 20));
  const Result result = run_program({"run", config, "--out", folder.path("run"), "--set", "run.evaluate_every=3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("stopped by           rounds after round 20"), std::string::npos) << result.out;
  EXPECT_EQ(result.err.find('\r'), std::string::npos) << "a pipe gets plain lines";

  const std::set<std::string> expected = {"round",
                                          "f",
                                          "grad_norm",
                                          "grad_norm_sq",
                                          "uplink_floats_per_worker",
                                          "uplink_bits_per_worker",
                                          "downlink_bits_per_worker",
                                          "wire_bytes",
                                          "skipped",
                                          "seconds"};
  std::vector<std::uint64_t> rounds;
  for (const json& line : read_metrics(folder.path("run"))) {
    std::set<std::string> keys;
    for (const auto& [key, value] : line.items()) keys.insert(key);
    EXPECT_EQ(keys, expected);
    rounds.push_back(line["round"]);
  }
  EXPECT_EQ(rounds, (std::vector<std::uint64_t>{0, 3, 6, 9, 12, 15, 18, 20}));
  const json summary = read_summary(folder.path("run"));
  for (const char* key : {"stopped_by", "stepsize", "multiplier", "A", "B", "L_minus", "L_plus", "dim", "workers",
                          "x_hash", "threepc_version", "plugins", "transport"})
    EXPECT_TRUE(summary.contains(key)) << key;
  for (const std::string& key : expected) EXPECT_EQ(summary[key], read_metrics(folder.path("run")).back()[key]) << key;
  EXPECT_EQ(read_file(folder.path("run/checkpoint/x.npy")).substr(1, 5), "NUMPY");
  EXPECT_EQ(read_file(folder.path("run/checkpoint/x.npy")).size() % 64, 50 * 8 % 64);
}

TEST(Run, ItsResolvedConfigurationRunsAgainToTheSameBits) {
  for (const std::string& set : {std::string("mechanism.compressor.k=7"), levels}) {
    const Folder folder;
    const std::string config = folder.write("first.toml", small_config(3, "inproc", 20));
    const Result first = run_program({"run", config, "--quiet", "--out", folder.path("a"), "--set", set});
    ASSERT_EQ(first.exit_code, 0) << first.err;
    ASSERT_EQ(run_program({"run", folder.path("a/config.toml"), "--quiet", "--out", folder.path("b")}).exit_code, 0);
    EXPECT_EQ(read_summary(folder.path("a"))["x_hash"], read_summary(folder.path("b"))["x_hash"]);
  }
}

TEST(Run, RefusesToOverwriteAFinishedRunWithoutForce) {
  const Folder folder;
  const std::string config = folder.write("first.toml", small_config(2, "inproc", 5));
  ASSERT_EQ(run_program({"run", config, "--quiet", "--out", folder.path("run")}).exit_code, 0);
  const Result again = run_program({"run", config, "--quiet", "--out", folder.path("run")});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("holds a finished run"), std::string::npos) << again.err;
  EXPECT_EQ(run_program({"run", config, "--quiet", "--force", "--out", folder.path("run")}).exit_code, 0);
}

TEST(Run, EveryStoppingRuleStops) {
  const Folder folder;
  const std::string config = folder.write("first.toml", small_config(2, "inproc", 100000));
  for (const char* rule : {"grad_norm=1", "grad_norm_sq=1", "uplink_bits_per_worker=50000", "seconds=0.2"}) {
    const std::string name = std::string(rule).substr(0, std::string(rule).find('='));
    const Result result =
        run_program({"run", config, "--quiet", "--out", folder.path(name), "--set", std::string("run.stop.") + rule});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(read_summary(folder.path(name))["stopped_by"], name);
  }
}

TEST(Run, ServeAndWorkByHandGiveTheBitsOfRun) {
  const Folder folder;
  const std::string config = folder.write("first.toml", small_config(3, "tcp", 30));
  ASSERT_EQ(run_program({"run", config, "--quiet", "--out", folder.path("run")}).exit_code, 0);

  Process server({"serve", config, "--listen", "127.0.0.1:0", "--out", folder.path("served")});
  const std::string said = server.wait_for_stderr("--connect ");
  const std::string address =
      said.substr(said.find("127.0.0.1:"), said.find(' ', said.find("127.0.0.1:")) - said.find("127.0.0.1:"));
  std::vector<std::unique_ptr<Process>> workers;
  for (const char* rank : {"2", "0", "1"})
    workers.push_back(
        std::make_unique<Process>(std::vector<std::string>{"work", config, "--rank", rank, "--connect", address}));
  EXPECT_EQ(server.wait().exit_code, 0);
  for (const auto& worker : workers) EXPECT_EQ(worker->wait().exit_code, 0);
  EXPECT_EQ(read_summary(folder.path("served"))["x_hash"], read_summary(folder.path("run"))["x_hash"]);
}

TEST(Run, PhishingReachesItsToleranceWithTwentyProcesses) {
  if (std::getenv("THREEPC_DATA") == nullptr) GTEST_SKIP() << "THREEPC_DATA names no folder with the phishing data";
  const Folder folder;
  const std::string config = std::string(THREEPC_TEST_SOURCES) + "/../../configs/phishing.toml";
  ASSERT_EQ(run_program({"run", config, "--quiet", "--out", folder.path("tcp")}).exit_code, 0);
  ASSERT_EQ(run_program({"run", config, "--quiet", "--out", folder.path("inproc"), "--set", "transport.plugin=inproc"})
                .exit_code,
            0);
  EXPECT_EQ(read_summary(folder.path("tcp"))["stopped_by"], "grad_norm");
  EXPECT_EQ(read_summary(folder.path("tcp"))["x_hash"], read_summary(folder.path("inproc"))["x_hash"]);
  EXPECT_EQ(comparable(folder.path("tcp")), comparable(folder.path("inproc")));
}

}  // namespace
}  // namespace threepc::test
