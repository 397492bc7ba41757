// A run survives what happens to the machines under it: bits do not change where they need not, and where a worker
// is missing it is a worker that skips.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Faults : public testing::Test {
 protected:
  std::vector<std::string> arguments(const std::string& name, const std::vector<std::string>& set) const {
    std::vector<std::string> out = {"run", config_, "--quiet", "--out", folder_.path(name)};
    for (const std::string& item : set) out.insert(out.end(), {"--set", item});
    return out;
  }
  Result run(const std::string& name, const std::vector<std::string>& set) const {
    return run_program(arguments(name, set));
  }
  std::string hash_of(const std::string& name, const std::vector<std::string>& set) const {
    const Result result = run(name, set);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return hash(name);
  }
  std::string hash(const std::string& name) const { return read_summary(folder_.path(name))["x_hash"]; }
  std::string log(const std::string& name) const { return read_file(folder_.path(name + "/log.txt")); }

  /// The rounds of the checkpoints that a run has now.
  std::vector<std::uint64_t> checkpoints(const std::string& name) const {
    std::vector<std::uint64_t> rounds;
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(folder_.path(name + "/checkpoint"), ignored))
      if (item.path().extension() == ".ckpt") rounds.push_back(std::stoull(item.path().filename().string().substr(6)));
    std::sort(rounds.begin(), rounds.end());
    return rounds;
  }
  void await_checkpoints(const std::string& name, std::size_t count) const {
    for (int i = 0; i < 6000 && checkpoints(name).size() < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_GE(checkpoints(name).size(), count);
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(3, "tcp", 400));
};

// ---- resuming

/// What a run was and goes on as.
struct Hosts {
  const char *name, *before, *after;
};

std::ostream& operator<<(std::ostream& out, const Hosts& hosts) { return out << hosts.name; }

class KilledRun : public Faults, public testing::WithParamInterface<Hosts> {};

/// The server dies in an arbitrary round; what goes on from its last checkpoint ends with the bits of a run that was
/// never disturbed, on whatever transport.
TEST_P(KilledRun, GoesOnWithTheSameBits) {
  const std::string before = std::string("transport.plugin=") + GetParam().before;
  Process first(
      arguments("run", {before, "run.rounds=100000000", "run.evaluate_every=10", "checkpoint.every_rounds=10"}));
  await_checkpoints("run", 2);
  first.signal(SIGKILL);
  first.wait();
  const std::string rounds = "run.rounds=" + std::to_string(checkpoints("run").back() + 100);
  const Result resumed = run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", rounds, "--set",
                                      std::string("transport.plugin=") + GetParam().after});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(hash("run"), hash_of("whole", {rounds, "run.evaluate_every=10", "transport.plugin=inproc"}));
  const std::vector<json> lines = read_metrics(folder_.path("run")), whole = read_metrics(folder_.path("whole"));
  ASSERT_EQ(lines.size(), whole.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (const char* key : {"round", "f", "grad_norm", "uplink_bits_per_worker", "downlink_bits_per_worker"})
      ASSERT_EQ(lines[i][key], whole[i][key]) << key << " of line " << i;
}

INSTANTIATE_TEST_SUITE_P(All, KilledRun,
                         testing::Values(Hosts{"inproc", "inproc", "inproc"}, Hosts{"tcp", "tcp", "tcp"},
                                         Hosts{"inproc_to_tcp", "inproc", "tcp"},
                                         Hosts{"tcp_to_inproc", "tcp", "inproc"}),
                         [](const auto& hosts) { return std::string(hosts.param.name); });

TEST_F(Faults, CtrlCWritesACheckpointThatARunGoesOnFrom) {
  for (const char* transport : {"inproc", "tcp"}) {
    Process first(arguments(
        "run", {std::string("transport.plugin=") + transport, "run.rounds=100000000", "run.evaluate_every=10"}));
    for (int i = 0; i < 6000 && read_file(folder_.path("run/metrics.jsonl")).size() < 100; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    first.signal(SIGINT);
    EXPECT_EQ(first.wait().exit_code, 130);
    ASSERT_EQ(checkpoints("run").size(), 1u);
    const std::string rounds = "run.rounds=" + std::to_string(checkpoints("run").front() + 55);
    EXPECT_EQ(run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", rounds}).exit_code, 0);
    EXPECT_EQ(hash("run"), hash_of("whole", {rounds, "run.evaluate_every=10"}));
    fs::remove_all(folder_.path("run"));
    fs::remove_all(folder_.path("whole"));
  }
}

/// A fault that ended the run does not come again, not even where it could not have come.
TEST_F(Faults, ARunThatAnInjectedFaultEndedGoesOnInOneProcess) {
  const Result ended = run_program(
      arguments("run", {"transport.plugin=tcp", "run.rounds=50", "faults.on_worker_loss=stop",
                        "checkpoint.every_rounds=10", "faults.inject=[{kind='kill', worker=1, round=25}]"}));
  EXPECT_EQ(ended.exit_code, 4) << ended.err;
  const Result resumed =
      run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", "transport.plugin=inproc"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(hash("run"), hash_of("whole", {"run.rounds=50"}));
}

/// If those before have taken as long.
TEST_F(Faults, CtrlCWaitsForTheEndOfARound) {
  const std::string slow =
      "faults.inject=[{kind='delay', worker=1, round=2, seconds=3}, {kind='delay', worker=1, round=5, seconds=5}]";
  Process first(arguments("run", {slow, "run.rounds=100000000", "checkpoint.every_rounds=3"}));
  await_checkpoints("run", 1);  // so it is in round 4 or 5
  std::this_thread::sleep_for(std::chrono::seconds(1));
  first.signal(SIGINT);
  EXPECT_EQ(first.wait().exit_code, 130);
  EXPECT_GT(checkpoints("run").back(), 3u);
  EXPECT_EQ(run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", "run.rounds=60"}).exit_code, 0);
  EXPECT_EQ(hash("run"), hash_of("whole", {"run.rounds=60"}));
}

bool is_stopped(pid_t process) {
  const std::string status = read_file("/proc/" + std::to_string(process) + "/status");
  return status.find("State:\tT") != status.npos;
}

/// Whether a child of it has stopped itself, or does so within a minute.
bool wait_for_stopped_child(pid_t parent) {
  for (int i = 0; i < 6000; ++i) {
    const std::vector<pid_t> children = children_of(parent);
    if (std::any_of(children.begin(), children.end(), is_stopped)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// The first one waits for the round to end, which would take long, and then leaves a summary.
TEST_F(Faults, ASecondCtrlCEndsAtOnce) {
  Process stuck(
      arguments("run", {"run.rounds=100000000", "faults.inject=[{kind='stop', worker=1, round=5, seconds=30}]"}));
  ASSERT_TRUE(wait_for_stopped_child(stuck.id()));
  stuck.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  stuck.signal(SIGINT);
  EXPECT_EQ(stuck.wait().exit_code, 130);
  EXPECT_FALSE(fs::exists(folder_.path("run/summary.json")));
}

/// As timeout(1) does: to the process, and to the group that it leads.
TEST_F(Faults, ARequestThatIsSentTwiceIsOne) {
  Process run(arguments("run", {"run.rounds=100000000", "run.evaluate_every=100"}));
  ASSERT_TRUE(wait_for_lines(folder_.path("run"), 1));
  kill(run.id(), SIGSTOP);  // so that neither can be acted on before the other is there
  run.signal(SIGINT);
  run.signal(SIGTERM);
  kill(run.id(), SIGCONT);
  EXPECT_EQ(run.wait().exit_code, 130);
  EXPECT_TRUE(fs::exists(folder_.path("run/summary.json")));
}

TEST_F(Faults, WhatChangesTheBitsCannotChangeOnTheWay) {
  EXPECT_EQ(run("run", {"checkpoint.every_rounds=100"}).exit_code, 0);
  const Result changed =
      run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", "mechanism.compressor.k=6"});
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_NE(changed.err.find("the checkpoint is of a run with 'mechanism.compressor.k = 5', this configuration has "
                             "'mechanism.compressor.k = 6'"),
            std::string::npos)
      << changed.err;
}

TEST_F(Faults, ARunDoesNotGoBack) {
  EXPECT_EQ(run("run", {"checkpoint.every_rounds=100", "faults.inject=[]"}).exit_code, 0);
  fs::remove(folder_.path("run/summary.json"));
  const Result back = run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", "run.rounds=50"});
  EXPECT_EQ(back.exit_code, 2) << back.err;
  EXPECT_NE(back.err.find("beyond run.rounds = 50; ask for more rounds than that"), std::string::npos) << back.err;
}

TEST_F(Faults, ThereIsNothingToResume) {
  EXPECT_EQ(run("run", {"checkpoint.at_end=false"}).exit_code, 0);
  fs::remove(folder_.path("run/summary.json"));
  const Result none = run_program({"run", "--resume", folder_.path("run")});
  EXPECT_EQ(none.exit_code, 6);
  EXPECT_NE(none.err.find("there is no checkpoint to resume from"), std::string::npos) << none.err;
  const Result nowhere = run_program({"run", "--resume", folder_.path("nowhere")});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_NE(nowhere.err.find("is no run directory"), std::string::npos) << nowhere.err;
}

TEST_F(Faults, ATornCheckpointIsPassedOver) {
  const std::vector<std::string> set = {"transport.plugin=inproc", "run.evaluate_every=10"};
  Process first(arguments("run", {set[0], set[1], "run.rounds=100000000", "checkpoint.every_rounds=10"}));
  await_checkpoints("run", 2);
  first.signal(SIGKILL);
  first.wait();
  const std::string newest = std::to_string(checkpoints("run").back());
  for (const auto& item : fs::directory_iterator(folder_.path("run/checkpoint")))
    if (item.path().string().ends_with(newest + ".ckpt")) fs::resize_file(item.path(), fs::file_size(item.path()) - 1);
  const std::string rounds = "run.rounds=" + std::to_string(checkpoints("run").back() + 100);
  const Result resumed = run_program({"run", "--resume", folder_.path("run"), "--quiet", "--set", rounds});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find(newest + ".ckpt is torn or damaged"), std::string::npos) << resumed.err;
  EXPECT_EQ(hash("run"), hash_of("whole", {set[0], set[1], rounds}));
}

TEST_F(Faults, AFullDiskDuringACheckpointHarmsNothing) {
  const std::string limited = "trap '' XFSZ; ulimit -f 1000; exec " + std::string(THREEPC_TEST_PROGRAM) + " run " +
                              config_ +
                              " --set problem.dim=30000 --set run.rounds=40 --set checkpoint.every_rounds=10 "
                              "--set optimizer.stepsize=0.1 --set transport.plugin=inproc --out " +
                              folder_.path("run");
  const Result result = Process({"-c", limited}, "/bin/bash").wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("cannot be written: File too large; the run goes on"), std::string::npos) << result.err;
  EXPECT_EQ(read_summary(folder_.path("run"))["round"], 40);
  EXPECT_TRUE(checkpoints("run").empty());
}

// ---- losing workers

struct Fault {
  const char *name, *injection;
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.name; }

class WaitedFor : public Faults, public testing::WithParamInterface<Fault> {};

/// With on_worker_loss = "wait" the bits do not tell that anything happened.
TEST_P(WaitedFor, TheBitsAreThoseOfAnUndisturbedRun) {
  const std::string whole = hash_of("whole", {"transport.plugin=inproc"});
  const std::string inject = std::string("faults.inject=[{") + GetParam().injection + "}]";
  EXPECT_EQ(hash_of("run", {"faults.on_worker_loss=wait", "transport.timeout=3", "faults.patience=60", inject}), whole);
  std::vector<json> lines = read_metrics(folder_.path("run")), expected = read_metrics(folder_.path("whole"));
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i]["f"], expected[i]["f"]) << i;
}

INSTANTIATE_TEST_SUITE_P(
    All, WaitedFor,
    testing::Values(Fault{"killed_before", "kind='kill', worker=1, round=123"},
                    Fault{"killed_after", "kind='kill', worker=1, round=123, when='send'"},
                    Fault{"killed_at_the_start", "kind='kill', worker=2, round=0"},
                    Fault{"killed_after_the_start", "kind='kill', worker=2, round=0, when='send'"},
                    Fault{"two_killed", "kind='kill', worker=0, round=50}, {kind='kill', worker=2, round=50"},
                    Fault{"killed_again", "kind='kill', worker=1, round=50}, {kind='kill', worker=1, round=90"},
                    Fault{"stopped", "kind='stop', worker=1, round=123, seconds=6"},
                    Fault{"stopped_briefly", "kind='stop', worker=1, round=123, when='send', seconds=0.2"},
                    Fault{"delayed", "kind='delay', worker=1, round=123, seconds=0.2"},
                    Fault{"dropped", "kind='drop', worker=1, round=123"},
                    Fault{"corrupted", "kind='corrupt', worker=1, round=123"},
                    Fault{"duplicated", "kind='duplicate', worker=1, round=123"}),
    [](const auto& fault) { return std::string(fault.param.name); });

TEST_F(Faults, ALostWorkerIsAWorkerThatSkipsAndComesBack) {
  EXPECT_EQ(run("run", {"run.rounds=3000", "faults.inject=[{kind='kill', worker=1, round=100}]"}).exit_code, 0);
  std::vector<json> lines = read_metrics(folder_.path("run"));
  ASSERT_EQ(lines.size(), 3001u);
  std::size_t without = 0;
  for (const json& line : lines) {
    without += line["f"].is_null();
    EXPECT_GE(line["skipped"], line["f"].is_null() ? 1 : 0);
  }
  EXPECT_GE(without, 1u);
  EXPECT_NE(log("run").find("started again, 1 of 3 times"), std::string::npos) << log("run");
  // That it comes back in time is the machine's business; that it does what it should then is seen in the end.
  if (log("run").find("worker 1 is back") != std::string::npos) {
    EXPECT_FALSE(lines.back()["f"].is_null());
    EXPECT_LT(lines.back()["grad_norm"], lines[99]["grad_norm"]);
  }
}

TEST_F(Faults, ARunGoesOnWithoutAWorkerForGood) {
  EXPECT_EQ(run("run", {"faults.restarts=0", "faults.inject=[{kind='kill', worker=1, round=100}]"}).exit_code, 0);
  const std::vector<json> lines = read_metrics(folder_.path("run"));
  ASSERT_EQ(lines.size(), 401u);
  EXPECT_FALSE(lines[99]["f"].is_null());
  for (std::size_t i = 100; i < lines.size(); ++i) {
    EXPECT_TRUE(lines[i]["f"].is_null());
    EXPECT_EQ(lines[i]["skipped"], 1);
  }
  EXPECT_NE(log("run").find("it is not started again, [faults] restarts = 0"), std::string::npos) << log("run");
}

TEST_F(Faults, WithoutAnyWorkerTheRunEndsWithCode4) {
  const Result result =
      run("run", {"faults.restarts=0", "faults.patience=1",
                  "faults.inject=[{kind='kill', worker=0, round=9}, {kind='kill', worker=1, round=9}, "
                  "{kind='kill', worker=2, round=9}]"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("no worker is left, and none came back within 1 s ([faults] patience)"), std::string::npos)
      << result.err;
}

TEST_F(Faults, AWorkerThatDoesNotComeBackInTimeEndsARunThatWaits) {
  const Result result = run("run", {"faults.on_worker_loss=wait", "faults.restarts=0", "faults.patience=1",
                                    "faults.inject=[{kind='kill', worker=1, round=9}]"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("round 9: waiting for the update of worker 1"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("it did not come back within 1 s ([faults] patience)"), std::string::npos) << result.err;
}

TEST_F(Faults, ALateWorkerCountsAsSkippingAndHoldsUpNobody) {
  EXPECT_EQ(run("run", {"faults.round_deadline=0.3", "transport.plugin=tcp",
                        "faults.inject=[{kind='delay', worker=1, round=100, seconds=2}]"})
                .exit_code,
            0);
  const std::vector<json> lines = read_metrics(folder_.path("run"));
  ASSERT_EQ(lines.size(), 401u);
  EXPECT_EQ(lines[100]["skipped"], 1);
  EXPECT_TRUE(lines[100]["f"].is_null());
}

/// If the update of a late worker were lost, g would be off by it for ever, and the gradient would stay away from 0.
TEST_F(Faults, ALateUpdateIsNotLost) {
  for (const char* method : {"mechanism.plugin=ef21", "mechanism={plugin='gd'}",
                             "mechanism={plugin='3pcv5', p=0.3, compressor={plugin='topk', k=5}}",
                             "mechanism={plugin='diana', unbiased={plugin='randk', k=25}}"}) {
    SCOPED_TRACE(method);
    const Result result = run(
        "late", {method, "transport.plugin=inproc", "workers.threads=3", "run.rounds=1000000", "run.evaluate_every=10",
                 "optimizer.stepsize=0.05", "faults.round_deadline=0.2", "run.stop.grad_norm=0.01",
                 "faults.inject=[{kind='delay', worker=1, round=20, seconds=0.8}, "
                 "{kind='delay', worker=0, round=40, seconds=0.8}]"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(read_summary(folder_.path("late"))["stopped_by"], "grad_norm");
    EXPECT_EQ(read_metrics(folder_.path("late"))[2]["skipped"], 1);
    fs::remove_all(folder_.path("late"));
  }
}

// ---- joining late and leaving for good

/// A server that begins with two workers of three, and what is started beside it.
class LateJoining : public Faults {
 protected:
  void serve(std::vector<std::string> set) {
    for (std::string& one : set) set_.insert(set_.end(), {"--set", std::move(one)});
    server_ = std::make_unique<Process>(
        with_set({"serve", config_, "--listen", "127.0.0.1:0", "--out", folder_.path("run")}));
    const std::string said = server_->wait_for_stderr("--connect ");
    const std::size_t at = said.find("127.0.0.1:");
    address_ = said.substr(at, said.find(' ', at) - at);
  }

  std::unique_ptr<Process> work(const char* rank) const {
    return std::make_unique<Process>(with_set({"work", config_, "--rank", rank, "--connect", address_}));
  }

  void await_log(const std::string& text) const {
    wait_until([&] { return log("run").find(text) != std::string::npos; });
    ASSERT_NE(log("run").find(text), std::string::npos) << log("run");
  }

  void await_more_lines(std::ptrdiff_t count) const {
    const auto lines = [&] { return std::ranges::count(read_file(folder_.path("run/metrics.jsonl")), '\n'); };
    wait_until([&, enough = lines() + count] { return lines() >= enough; });
  }

  std::unique_ptr<Process> server_;

 private:
  static void wait_until(const std::function<bool()>& is_so) {
    for (int i = 0; i < 6000 && !is_so(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  std::vector<std::string> with_set(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), set_.begin(), set_.end());
    return arguments;
  }

  std::vector<std::string> set_ = {"--set", "workers.start=2",        "--set", "run.rounds=100000000",
                                   "--set", "optimizer.stepsize=0.05"};
  std::string address_;
};

/// g is the mean over those who take part, and so is f: with the third worker of three the run is the one of three,
/// after it has left that of the others.
TEST_F(LateJoining, AWorkerMayJoinLateAndLeaveForGood) {
  serve({"run.evaluate_every=10"});
  const auto first = work("0"), second = work("1");
  await_more_lines(1);
  const auto third = work("2");
  await_log("worker 2 has joined");
  second->signal(SIGTERM);
  EXPECT_EQ(second->wait().exit_code, 130);
  await_log("worker 1 has left for good");
  await_more_lines(300);
  server_->signal(SIGINT);
  EXPECT_EQ(server_->wait().exit_code, 130);
  for (const auto& worker : {&first, &third}) EXPECT_EQ((*worker)->wait().exit_code, 0);
  const std::vector<json> lines = read_metrics(folder_.path("run"));
  EXPECT_FALSE(lines.front()["f"].is_null());
  EXPECT_FALSE(lines.back()["f"].is_null());
  for (const json& line : lines) EXPECT_EQ(line["skipped"], 0);
  EXPECT_LT(lines.back()["grad_norm"], 0.1 * lines.front()["grad_norm"].get<double>());
}

/// It is there, is seldom drawn, and is no member until then: nothing is asked of it that nobody would listen to.
TEST_F(LateJoining, ALateWorkerThatIsNotSampledYetDisturbsNoCheckpoint) {
  serve({"workers.participation=0.01", "run.evaluate_every=1", "checkpoint.every_rounds=1",
         "faults.on_worker_loss=stop"});
  const auto first = work("0"), second = work("1");
  await_more_lines(1);
  const auto third = work("2");
  await_log("worker 2 has joined");
  await_more_lines(20);
  server_->signal(SIGINT);
  const Result result = server_->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
}

// ---- partial participation

TEST_F(Faults, SampledWorkersAreTheSameOnEveryTransport) {
  const std::vector<std::string> set = {"workers.participation=0.5", "optimizer.stepsize=0.05", "run.rounds=2000",
                                        "downlink.replay=false"};
  const auto with = [&](const std::string& more) {
    std::vector<std::string> all = set;
    all.push_back(more);
    return all;
  };
  const std::string one = hash_of("one", with("transport.plugin=inproc"));
  EXPECT_EQ(hash_of("threads", with("workers.threads=3")), one);
  EXPECT_EQ(hash_of("tcp", with("transport.plugin=tcp")), one);
  const std::vector<json> lines = read_metrics(folder_.path("one"));
  double skipped = 0;
  for (const json& line : lines) {
    skipped += line["skipped"].get<double>();
    EXPECT_FALSE(line["f"].is_null());
  }
  EXPECT_NEAR(skipped / 2000 / 3, 0.5, 0.05);  // a binomial of 6000: 7 deviations
  EXPECT_EQ(lines[0]["skipped"], 0);
  EXPECT_LT(lines.back()["grad_norm"], 1e-2 * lines.front()["grad_norm"].get<double>());
  EXPECT_NEAR(lines.back()["downlink_bits_per_worker"].get<double>() / (2000 * 50 * 64), 0.5, 0.05);
}

TEST_F(Faults, TheoryDoesNotSpeakOfSampledWorkers) {
  const Result result = run("run", {"workers.participation=0.5", "transport.plugin=inproc"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("this run has [workers] participation"), std::string::npos) << result.err;
}

// ---- a server that dies and comes back

TEST_F(Faults, WorkersThatRetryRejoinARestartedServer) {
  const std::string rounds = "run.rounds=20000", every = "run.evaluate_every=100";
  Process server({"serve", config_, "--listen", "127.0.0.1:0", "--out", folder_.path("run"), "--set", rounds, "--set",
                  every, "--set", "checkpoint.every_rounds=500"});
  const std::string said = server.wait_for_stderr("--connect ");
  const std::size_t at = said.find("127.0.0.1:");
  const std::string address = said.substr(at, said.find(' ', at) - at);
  std::vector<std::unique_ptr<Process>> workers;
  for (const char* rank : {"0", "1", "2"})
    workers.push_back(std::make_unique<Process>(std::vector<std::string>{
        "work", config_, "--rank", rank, "--connect", address, "--set", rounds, "--set", every, "--retry", "60"}));
  await_checkpoints("run", 1);
  server.signal(SIGKILL);
  server.wait();
  const std::string more = "run.rounds=20100";  // when the run ends is for the server alone
  const Result again =
      run_program({"serve", "--resume", folder_.path("run"), "--listen", address, "--quiet", "--set", more});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  for (const auto& worker : workers) EXPECT_EQ(worker->wait().exit_code, 0);
  EXPECT_EQ(hash("run"), hash_of("whole", {more, every, "transport.plugin=inproc"}));
}

}  // namespace
}  // namespace threepc::test
