// What a run survives, and how it ends when it does not: the right exit code, a message that names the place,
// everything written so far kept, and no process left behind.
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

using testing::Test;

/// A run over TCP that would take hours, with its workers at work.
class LongRun : public Test {
 protected:
  void SetUp() override {
    config_ = folder_.write("long.toml", small_config(3, "tcp", 100000000));
    run_ = std::make_unique<Process>(std::vector<std::string>{"run", config_, "--out", folder_.path("run"), "--set",
                                                              "run.evaluate_every=100", "--set",
                                                              "faults.on_worker_loss=stop"});
    run_->wait_for_stderr("round 0");
    workers_ = children_of(run_->id());
    ASSERT_EQ(workers_.size(), 3u);
  }

  Folder folder_;
  std::string config_;
  std::unique_ptr<Process> run_;
  std::vector<pid_t> workers_;
};

std::string command_line(pid_t process) { return read_file("/proc/" + std::to_string(process) + "/cmdline"); }

TEST_F(LongRun, AKilledWorkerEndsItWithCode4AndIsNamed) {
  pid_t victim = 0;
  for (const pid_t worker : workers_)
    if (command_line(worker).find(std::string("--rank\0", 7) + "1") != std::string::npos) victim = worker;
  ASSERT_NE(victim, 0);
  kill(victim, SIGKILL);
  const Result result = run_->wait();
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("worker 1"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("signal 9"), std::string::npos) << result.err;
  EXPECT_TRUE(gone_within(workers_, 5));
  EXPECT_GE(read_metrics(folder_.path("run")).size(), 1u);
}

TEST_F(LongRun, CtrlCEndsItWithCode130AndASummary) {
  run_->signal(SIGINT);
  EXPECT_EQ(run_->wait().exit_code, 130);
  EXPECT_EQ(read_summary(folder_.path("run"))["stopped_by"], "interrupted");
  EXPECT_TRUE(gone_within(workers_, 5));
}

TEST_F(LongRun, SigtermEndsItWithCode130AndASummary) {
  run_->signal(SIGTERM);
  EXPECT_EQ(run_->wait().exit_code, 130);
  EXPECT_EQ(read_summary(folder_.path("run"))["stopped_by"], "interrupted");
  EXPECT_TRUE(gone_within(workers_, 5));
}

TEST_F(LongRun, TheServersDeathEndsTheWorkers) {
  run_->signal(SIGKILL);
  EXPECT_TRUE(gone_within(workers_, 5));
}

TEST(Failure, AStoppedWorkerEndsTheRunAtTheDeadlineAndIsNamed) {
  const Folder folder;
  const std::string config = folder.write("long.toml", small_config(3, "tcp", 100000000));
  Process run({"run", config, "--out", folder.path("run"), "--set", "transport.timeout=2", "--set",
               "run.evaluate_every=100", "--set", "faults.on_worker_loss=stop"});
  run.wait_for_stderr("round 0");
  const std::vector<pid_t> workers = children_of(run.id());
  ASSERT_EQ(workers.size(), 3u);
  kill(workers[2], SIGSTOP);
  const auto begin = std::chrono::steady_clock::now();
  const Result result = run.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(12));
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("nothing came within 2 s"), std::string::npos) << result.err;
  EXPECT_TRUE(gone_within(workers, 5));
}

/// A server by hand, and its address.
class Served : public Test {
 protected:
  void start(int workers) {
    config_ = folder_.write("served.toml", small_config(workers, "tcp", 20));
    server_ = std::make_unique<Process>(
        std::vector<std::string>{"serve", config_, "--listen", "127.0.0.1:0", "--out", folder_.path("run")});
    const std::string said = server_->wait_for_stderr("--connect ");
    const std::size_t at = said.find("127.0.0.1:");
    address_ = said.substr(at, said.find(' ', at) - at);
  }
  std::unique_ptr<Process> worker(const std::string& rank, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"work", config_, "--rank", rank, "--connect", address_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Process>(arguments);
  }

  Folder folder_;
  std::string config_, address_;
  std::unique_ptr<Process> server_;
};

TEST_F(Served, ASecondWorkerWithTheSameRankIsRefusedAndTheRunGoesOn) {
  start(2);
  const auto first = worker("1");
  // Only when the first is in does the second come too late.
  std::string log;
  for (int i = 0; i < 1000 && log.find("worker 1 joined") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    log = read_file(folder_.path("run/log.txt"));
  }
  const Result second = worker("1")->wait();
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_NE(second.err.find("rank 1 has already joined from 127.0.0.1:"), std::string::npos) << second.err;
  const auto last = worker("0");
  EXPECT_EQ(server_->wait().exit_code, 0);
  EXPECT_EQ(first->wait().exit_code, 0);
  EXPECT_EQ(last->wait().exit_code, 0);
}

TEST_F(Served, AWorkerWithAWrongRankIsRefusedByItself) {
  start(2);
  const Result result = worker("2")->wait();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("--rank 2: this run has 2 workers, ranks 0 to 1"), std::string::npos) << result.err;
}

TEST_F(Served, AWorkerWithMoreWorkersInMindIsRefusedByTheServer) {
  start(2);
  const Result result = worker("2", {"--set", "workers.count=3"})->wait();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("this run has 2 workers"), std::string::npos) << result.err;
}

TEST_F(Served, AWorkerRejectsAServerWithAnotherConfiguration) {
  start(1);
  const Result result = worker("0", {"--set", "mechanism.compressor.k=6"})->wait();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(
      result.err.find("the server has 'mechanism.compressor.k = 5', this worker has 'mechanism.compressor.k = 6'"),
      std::string::npos)
      << result.err;
  const Result server = server_->wait();
  EXPECT_EQ(server.exit_code, 2);
  EXPECT_NE(server.err.find("worker 0: "), std::string::npos) << server.err;
}

TEST_F(Served, APortInUseIsNamed) {
  start(2);
  const Result result = run_program({"serve", config_, "--listen", address_, "--out", folder_.path("other")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find(address_ + " is in use"), std::string::npos) << result.err;
}

TEST(Failure, AWorkerWithoutAServerEndsAtTheDeadline) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "tcp", 20));
  const Result result =
      run_program({"work", config, "--rank", "0", "--connect", "127.0.0.1:1", "--set", "transport.timeout=1"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("no server answers at 127.0.0.1:1"), std::string::npos) << result.err;
}

TEST(Failure, MissingWorkersAreNamedAtTheDeadline) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(3, "tcp", 20));
  const Result result = run_program(
      {"serve", config, "--listen", "127.0.0.1:0", "--out", folder.path("run"), "--set", "transport.timeout=1"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("workers 0, 1 and 2 have not joined"), std::string::npos) << result.err;
}

/// The values of checkpoint/x.npy, without its header.
std::vector<double> read_model(const std::string& run_folder) {
  const std::string file = read_file(run_folder + "/checkpoint/x.npy");
  const std::size_t header = file.find('\n') + 1;
  std::vector<double> x((file.size() - header) / sizeof(double));
  std::memcpy(x.data(), file.data() + header, x.size() * sizeof(double));
  return x;
}

TEST(Failure, AGradientThatGrowsWithoutBoundHasDiverged) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "inproc", 30));
  const auto run = [&](const std::string& bound) {
    return run_program({"run", config, "--out", folder.path("run"), "--force", "--set", "optimizer.stepsize=50.0",
                        "--set", "run.stop.divergence=" + bound});
  };
  const Result bounded = run("100");
  EXPECT_EQ(bounded.exit_code, 3) << bounded.err;
  EXPECT_NE(bounded.err.find("-fold since the start, beyond [run.stop] divergence"), std::string::npos) << bounded.err;
  EXPECT_EQ(read_summary(folder.path("run"))["stopped_by"], "diverged");
  const Result unbounded = run("1e300");
  EXPECT_EQ(unbounded.exit_code, 0) << unbounded.err;
  EXPECT_GT(read_summary(folder.path("run"))["grad_norm"].get<double>(), 1e9);
}

TEST(Failure, ARunInAJobOfSeveralProcessesIsRefusedUnlessItIsMeant) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "inproc", 10));
  const auto run = [&](const char* more) {
    return run_program({"run", config, "--out", folder.path("run"), "--force", more});
  };
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    setenv(name, "3", 1);
    const Result refused = run("--quiet"), meant = run("--alone");
    setenv(name, "1", 1);
    const Result one = run("--quiet");
    unsetenv(name);
    EXPECT_EQ(refused.exit_code, 2) << refused.err;
    EXPECT_NE(refused.err.find("this is one of 3 processes that were started together"), std::string::npos)
        << refused.err;
    EXPECT_EQ(meant.exit_code, 0) << meant.err;
    EXPECT_EQ(one.exit_code, 0) << one.err;
  }
}

TEST(Failure, TooFewOpenFilesForItsWorkersAreSaidBeforeItStartsThem) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(10, "tcp", 10));
  Process limited(
      {"-c", "ulimit -n 30; exec " THREEPC_TEST_PROGRAM " run '" + config + "' --out '" + folder.path("run") + "'"},
      "/bin/bash");
  const Result result = limited.wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("10 worker processes need some 36 open files, and the limit is 30"), std::string::npos)
      << result.err;
}

TEST(Failure, ADanglingLinkIsNoPlaceForARun) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(1, "inproc", 10));
  std::filesystem::create_symlink("/nowhere/at/all", folder.path("link"));
  const Result result = run_program({"run", config, "--out", folder.path("link")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("it is a link to /nowhere/at/all, which is no folder"), std::string::npos) << result.err;
}

TEST(Failure, AServerNeedsNoData) {
  const Folder folder;
  std::string config = small_config(1, "tcp", 10);
  const std::string problem = "plugin = \"quadratic\"\ndim = 50\ns = 0.5\n";
  config.replace(config.find(problem), problem.size(), "plugin = \"logreg\"\ndata = \"rows.svm\"\n");
  folder.write("server.toml", config);
  std::filesystem::create_directory(folder.path("host"));
  folder.write("host/server.toml", config);
  folder.write("host/rows.svm", "1 1:1 6:1\n-1 1:2\n1 2:1\n");
  Process server({"serve", folder.path("server.toml"), "--listen", "127.0.0.1:0", "--out", folder.path("run")});
  const std::string said = server.wait_for_stderr("listening at ");
  const std::size_t at = said.find("127.0.0.1:");
  const std::string address = said.substr(at, said.find(' ', at) - at);
  Process worker({"work", folder.path("host/server.toml"), "--rank", "0", "--connect", address});
  EXPECT_EQ(worker.wait().exit_code, 0);
  const Result result = server.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(Failure, ADivergingStepSizeEndsWithCode3AndTheLastFiniteState) {
  for (const char* every : {"1", "1000"}) {
    const Folder folder;
    const std::string config = folder.write("run.toml", small_config(3, "tcp", 100000));
    const Result result = run_program({"run", config, "--quiet", "--out", folder.path("run"), "--set",
                                       "optimizer.stepsize=50.0", "--set", std::string("run.evaluate_every=") + every});
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_EQ(read_summary(folder.path("run"))["stopped_by"], "diverged");
    const std::vector<double> x = read_model(folder.path("run"));
    ASSERT_EQ(x.size(), 50u);
    for (const double value : x) EXPECT_TRUE(std::isfinite(value));
    EXPECT_EQ(read_file(folder.path("run/metrics.jsonl")).find("nan"), std::string::npos);
  }
}

/// The limit is on metrics.jsonl alone, because everything else is small.
TEST(Failure, AFullDiskKeepsWhatWasWrittenAndNamesTheFile) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "inproc", 5000));
  const std::string limited = "ulimit -f 8; exec " + std::string(THREEPC_TEST_PROGRAM) + " run " + config +
                              " --quiet --out " + folder.path("run");
  const Result result = Process({"-c", limited}, "/bin/bash").wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("metrics.jsonl: cannot be written: File too large"), std::string::npos) << result.err;
  EXPECT_GT(read_metrics(folder.path("run")).size(), 10u);  // whole lines
  EXPECT_NE(result.err.find("x_hash is " + read_summary(folder.path("run"))["x_hash"].get<std::string>()),
            std::string::npos)
      << result.err;
}

TEST(Failure, ARunDirectoryThatCannotBeMadeIsNamed) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "inproc", 10));
  folder.write("occupied", "a file, no folder");
  const Result result = run_program({"run", config, "--quiet", "--out", folder.path("occupied/run")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("occupied/run: cannot be created"), std::string::npos) << result.err;
}

TEST(Failure, AWorkersDataErrorIsForwardedWithItsPlace) {
  const Folder folder;
  folder.write("data.txt", "1 1:0.5\n-1 1:0.5 2:x\n");
  const std::string config = folder.write(
      "run.toml",
      "[workers]\ncount = 2\n[problem]\nplugin = \"logreg\"\ndata = \"data.txt\"\n[mechanism]\nplugin = \"gd\"\n"
      "[transport]\nplugin = \"tcp\"\n");
  const Result result = run_program({"run", config, "--quiet", "--out", folder.path("run")});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_NE(result.err.find("data.txt:2"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace threepc::test
