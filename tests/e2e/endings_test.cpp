// However a run ends, it leaves its last whole round, and what goes on from there has the bits of a run that never
// ended.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Set = std::vector<std::string>;

Set operator+(Set a, const Set& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Endings : public testing::Test {
 protected:
  Result run(const std::string& name, const Set& set) const {
    Set arguments = {"run", config_, "--quiet", "--out", folder_.path(name)};
    for (const std::string& item : set) arguments.insert(arguments.end(), {"--set", item});
    return run_program(arguments);
  }
  Result resume(const std::string& name, const Set& set) const {
    Set arguments = {"run", "--quiet", "--resume", folder_.path(name)};
    for (const std::string& item : set) arguments.insert(arguments.end(), {"--set", item});
    return run_program(arguments);
  }
  json whole(const Set& set) const {
    const Result result = run("whole", set);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder_.path("whole"));
  }
  /// The checkpoint of the latest round.
  fs::path last_checkpoint(const std::string& name) const {
    fs::path last;
    for (const auto& item : fs::directory_iterator(folder_.path(name + "/checkpoint")))
      if (item.path().extension() == ".ckpt") last = std::max(last, item.path());
    return last;
  }
  void same_lines() const {
    const auto lines = read_metrics(folder_.path("run")), expected = read_metrics(folder_.path("whole"));
    ASSERT_EQ(lines.size(), expected.size());
    for (std::size_t i = 0; i < lines.size(); ++i)
      for (const char* key :
           {"round", "f", "grad_norm", "uplink_bits_per_worker", "downlink_bits_per_worker", "skipped"})
        ASSERT_EQ(lines[i][key], expected[i][key]) << key << " of line " << i;
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(3, "inproc", 120));
};

/// Its last line may be one that a longer run would not have.
TEST_F(Endings, AFinishedRunCanBeExtended) {
  for (const char* transport : {"inproc", "tcp"}) {
    const Set set = {"run.evaluate_every=7", std::string("transport.plugin=") + transport};
    EXPECT_EQ(run("run", set + Set{"run.rounds=40"}).exit_code, 0);
    EXPECT_EQ(resume("run", {"run.rounds=120"}).exit_code, 0);
    EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], whole(set)["x_hash"]) << transport;
    same_lines();
    fs::remove_all(folder_.path("run"));
    fs::remove_all(folder_.path("whole"));
  }
}

TEST_F(Endings, AFinishedRunHasNothingLeftToDo) {
  EXPECT_EQ(run("run", {"run.evaluate_every=7"}).exit_code, 0);
  const json before = read_summary(folder_.path("run"));
  EXPECT_EQ(resume("run", {}).exit_code, 0);
  EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], before["x_hash"]);
  fs::remove(folder_.path("run/summary.json"));
  EXPECT_EQ(resume("run", {}).exit_code, 0);
  EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], before["x_hash"]);
}

/// What ends a run in round 50: a worker that dies before or after its update has left, and nobody who waits for it.
struct End {
  const char *name, *transport, *policy, *when;
  int round;
};

std::ostream& operator<<(std::ostream& out, const End& end) { return out << end.name; }

class FatalEnds : public Endings, public testing::WithParamInterface<End> {};

TEST_P(FatalEnds, LeaveTheLastWholeRound) {
  const End& end = GetParam();
  const Set method = {"mechanism={plugin=\"3pcv2\",compressor={plugin=\"topk\",k=5},unbiased={plugin=\"randk\",k=5}}"};
  const Set fatal = {std::string("transport.plugin=") + end.transport,
                     std::string("faults.on_worker_loss=") + end.policy, "faults.restarts=0", "faults.patience=1",
                     "faults.inject=[{kind=\"kill\",worker=1,round=50,when=\"" + std::string(end.when) + "\"}]"};
  const Result ended = run("run", method + fatal);
  EXPECT_EQ(ended.exit_code, 4) << ended.err;
  EXPECT_EQ(last_checkpoint("run").filename().string(), "round-0000000000" + std::to_string(end.round) + ".ckpt");
  EXPECT_EQ(resume("run", {"transport.plugin=inproc", "faults.inject=[]"}).exit_code, 0);
  EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], whole(method)["x_hash"]);
  same_lines();
}

INSTANTIATE_TEST_SUITE_P(All, FatalEnds,
                         testing::Values(End{"stop_over_tcp", "tcp", "stop", "receive", 49},
                                         End{"stop_over_shm", "shm", "stop", "receive", 49},
                                         End{"wait_over_tcp", "tcp", "wait", "receive", 49}),
                         [](const auto& end) { return std::string(end.param.name); });

TEST_F(Endings, OnlyIfTheyAreToldNotToTheyLeaveNothing) {
  EXPECT_EQ(run("run", {"checkpoint.at_end=false"}).exit_code, 0);
  EXPECT_TRUE(last_checkpoint("run").empty());
}

/// A run that diverges ends with the round before, whose numbers are finite.
TEST_F(Endings, ADivergedRunLeavesTheRoundBefore) {
  EXPECT_EQ(run("run", {"optimizer.stepsize=1e9", "run.rounds=100000"}).exit_code, 3);
  ASSERT_FALSE(last_checkpoint("run").empty());
  EXPECT_EQ(resume("run", {}).exit_code, 3);
}

TEST_F(Endings, NoCheckpointThatIsDueFallsOut) {
  EXPECT_EQ(run("run", {"checkpoint.every_rounds=1"}).exit_code, 0);
  const std::string log = read_file(folder_.path("run/log.txt"));
  for (int round = 1; round <= 120; ++round)
    EXPECT_NE(log.find("checkpoint of round " + std::to_string(round) + "\n"), std::string::npos) << round;
}

// ---- y

/// A worker's y is of the round in which it last took part, however long that is ago.
struct Method {
  const char *name, *mechanism;
};

std::ostream& operator<<(std::ostream& out, const Method& method) { return out << method.name; }

constexpr Method methods[] = {
    {"lag", "{plugin=\"lag\",zeta=2.0}"},
    {"clag", "{plugin=\"clag\",zeta=2.0,compressor={plugin=\"topk\",k=4}}"},
    {"v1", "{plugin=\"3pcv1\",compressor={plugin=\"topk\",k=4}}"},
    {"v2", "{plugin=\"3pcv2\",compressor={plugin=\"topk\",k=4},unbiased={plugin=\"randk\",k=4}}"},
    {"v5", "{plugin=\"3pcv5\",p=0.1,compressor={plugin=\"topk\",k=4}}"},
    {"marina", "{plugin=\"marina\",p=0.1,unbiased={plugin=\"randk\",k=4}}"},
    {"adacgd", "{plugin=\"adacgd\",zeta=2.0,level=[{plugin=\"topk\",k=2},{plugin=\"topk\",k=10}]}"},
    {"momentum", "{plugin=\"ef21\",momentum=0.2,compressor={plugin=\"topk\",k=4}}"}};

class WhoSatOut : public Endings, public testing::WithParamInterface<Method> {
 protected:
  Set set() const {
    return {"workers.participation=0.5", "optimizer.stepsize=0.02", std::string("mechanism=") + GetParam().mechanism};
  }
};

TEST_P(WhoSatOut, GoesOnWithItsOwnYAfterAResume) {
  EXPECT_EQ(run("run", set() + Set{"checkpoint.every_rounds=7"}).exit_code, 0);
  fs::remove(folder_.path("run/summary.json"));
  fs::remove(last_checkpoint("run"));  // that of the end
  EXPECT_EQ(resume("run", {}).exit_code, 0);
  EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], whole(set())["x_hash"]);
}

class WhoSatOutAndWasLost : public WhoSatOut {};

TEST_P(WhoSatOutAndWasLost, GoesOnWithItsOwnY) {
  const Set lossy = {"transport.plugin=tcp", "faults.on_worker_loss=wait",
                     "faults.inject=[{kind=\"kill\",worker=1,round=31},{kind=\"kill\",worker=0,round=33},"
                     "{kind=\"kill\",worker=2,round=60,when=\"send\"},{kind=\"kill\",worker=1,round=61}]"};
  const Result result = run("run", set() + lossy);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const json disturbed = read_summary(folder_.path("run"));
  EXPECT_GE(disturbed["worker_losses"], 1);
  EXPECT_EQ(disturbed["x_hash"], whole(set())["x_hash"]);
}

/// All but momentum, whose v only the worker knew.
INSTANTIATE_TEST_SUITE_P(All, WhoSatOutAndWasLost, testing::ValuesIn(std::begin(methods), std::end(methods) - 1),
                         [](const auto& method) { return std::string(method.param.name); });
INSTANTIATE_TEST_SUITE_P(All, WhoSatOut, testing::ValuesIn(methods),
                         [](const auto& method) { return std::string(method.param.name); });

// ---- data

class ChangedData : public testing::Test {
 protected:
  std::string write_data(const std::string& name, const char* positive) const {
    std::string text;
    for (int row = 0; row < 60; ++row)
      text += std::string(row % 2 == 0 ? positive : "-1") + " " + std::to_string(row % 7 + 1) + ":" +
              std::to_string(row % 5 + 1) + " 9:0.5\n";
    return folder_.write(name, text);
  }
  std::string config(const std::string& data, const std::string& split) const {
    return "[run]\nevaluate_every = 1\nrounds = 60\n[workers]\ncount = 3\n[problem]\nplugin = \"logreg\"\ndata = \"" +
           data + "\"\nsplit = \"" + split +
           "\"\n[mechanism]\nplugin = \"ef21\"\n[mechanism.compressor]\nplugin = \"topk\"\nk = 2\n[optimizer]\n"
           "stepsize = 0.1\n[transport]\nplugin = \"tcp\"\ninsecure = true\ntimeout = 20\n";
  }
  Folder folder_;
};

TEST_F(ChangedData, IsNoticedWhenARunGoesOn) {
  write_data("data", "+1");
  const std::string file = folder_.write("run.toml", config("data", "order"));
  EXPECT_EQ(run_program({"run", file, "--quiet", "--out", folder_.path("run"), "--set", "run.rounds=30"}).exit_code, 0);
  write_data("data", "+2");
  const Result resumed = run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", "run.rounds=60"});
  EXPECT_EQ(resumed.exit_code, 6);
  EXPECT_NE(resumed.err.find("worker 0 has read other data than when it began"), std::string::npos) << resumed.err;
  write_data("data", "+1");
  EXPECT_EQ(run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", "run.rounds=60"}).exit_code, 0);
}

/// Worker 2 has a file of that name with other labels, which is fine only where each worker may have its own.
TEST_F(ChangedData, IsNoticedOnOneOfTheHosts) {
  for (const char* split : {"order", "replicated"}) {
    fs::create_directories(folder_.path("other"));
    write_data("data", "+1");
    write_data("other/data", "+2");
    const std::string file = folder_.write("run.toml", config("data", split));
    const std::string other = folder_.write("other/run.toml", config("data", split));
    Process server({"serve", file, "--listen", "127.0.0.1:0", "--out", folder_.path(split)});
    const std::string said = server.wait_for_stderr("--connect ");
    const std::size_t at = said.find("127.0.0.1:");
    const std::string address = said.substr(at, said.find(' ', at) - at);
    Process first({"work", file, "--rank", "0", "--connect", address});
    Process second({"work", file, "--rank", "1", "--connect", address});
    Process third({"work", other, "--rank", "2", "--connect", address});
    const bool fine = std::string(split) == "replicated";
    const Result ended = server.wait();
    EXPECT_EQ(ended.exit_code, fine ? 0 : 6) << ended.err;
    EXPECT_EQ(ended.err.find("worker 2 has read other data than worker 0") == std::string::npos, fine) << ended.err;
  }
}

}  // namespace
}  // namespace threepc::test
