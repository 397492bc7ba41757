// Runs over MPI as a user starts them: mpirun, and every process is a member.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "e2e/program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;

/// Root may start jobs here, and a job may have more processes than there are cores. Nothing leaves this host. Open MPI
/// leaks in modules that it has unloaded by the time leaks are reported, so that no suppression can name them. On a
/// slow machine the server's last round may take longer than the second that mpirun gives between SIGTERM and SIGKILL.
std::vector<std::string> mpirun_arguments(std::uint32_t processes, const std::vector<std::string>& command) {
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
  std::vector<std::string> out = {
      "--oversubscribe",        "--mca", "btl", "self,vader", "--mca", "odls_base_sigkill_timeout", "3", "-n",
      std::to_string(processes)};
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

Process start_job(std::uint32_t processes, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {THREEPC_TEST_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return Process(mpirun_arguments(processes, command), THREEPC_TEST_MPIRUN);
}

std::size_t count_of(const std::string& part, const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

class MpiRun : public testing::Test {
 protected:
  /// `workers` workers, one of the small runs.
  std::vector<std::string> run_of(int workers, int rounds, const std::vector<std::string>& set = {}) const {
    const std::string config = folder_.write("run.toml", small_config(workers, "mpi", rounds));
    std::vector<std::string> arguments = {"run", config, "--out", out()};
    for (const std::string& item : set) arguments.insert(arguments.end(), {"--set", item});
    return arguments;
  }
  std::string out() const { return folder_.path("run"); }

  Folder folder_;
};

// ---- runs that end well

class MpiMembers : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Processes, MpiMembers, testing::Values(2u, 4u, 17u));

/// conformance_test.cpp, as so many processes. What is about one pair needs no 17.
TEST_P(MpiMembers, KeepWhatTransportsPromise) {
  const Folder folder;
  setenv("THREEPC_TEST_FOLDER", folder.path("").c_str(), 1);
  const std::string filter = GetParam() > 4 ? "--gtest_filter=-*SeveralParts*:*BothSides*:*BothWays*" : "";
  const Result result =
      Process(mpirun_arguments(GetParam(), {THREEPC_TEST_MEMBERS, filter}), THREEPC_TEST_MPIRUN).wait(240);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_NE(result.out.find("[  PASSED  ]"), std::string::npos) << result.out;
}

class MpiWorkers : public MpiRun, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, MpiWorkers, testing::Values(1, 3, 7, 15, 20));

TEST_P(MpiWorkers, GiveTheBitsOfThreads) {
  std::vector<std::string> arguments = run_of(GetParam(), 40, {"run.evaluate_every=3"});
  const Result result = start_job(static_cast<std::uint32_t>(GetParam()) + 1, arguments).wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(count_of("hash of x", result.out), 1u) << "the server speaks for all:\n" << result.out;
  const nlohmann::json over_mpi = read_summary(out());
  EXPECT_EQ(over_mpi["transport"], "mpi");
  EXPECT_GT(over_mpi["wire_bytes"], 0);

  arguments[3] = folder_.path("threads");
  arguments.insert(arguments.end(), {"--set", "transport.plugin=inproc"});
  ASSERT_EQ(run_program(arguments).exit_code, 0);
  EXPECT_EQ(over_mpi["x_hash"], read_summary(folder_.path("threads"))["x_hash"]);
}

TEST_F(MpiRun, ALargeModelGoesDownTheTreeToTheSameBits) {
  const std::vector<std::string> set = {"problem.dim=3000", "mechanism.compressor.k=300"};
  const auto hash_with = [&](const std::string& tree_from) {
    std::vector<std::string> arguments = run_of(4, 10, set);
    arguments.insert(arguments.end(), {"--force", "--quiet", "--set", "transport.tree_from=" + tree_from});
    const Result result = start_job(5, arguments).wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(out())["x_hash"].get<std::string>();
  };
  EXPECT_EQ(hash_with("0"), hash_with("1000000000"));
}

// ---- runs that fail

TEST_F(MpiRun, AnotherNumberOfProcessesIsSaidOnce) {
  const Result result = start_job(4, run_of(2, 10)).wait();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(count_of("[workers] count = 2 needs 3 processes", result.err), 1u) << result.err;
  EXPECT_NE(result.err.find("4 have been started; start 3, or --set workers.count=3"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(MpiRun, OneProcessIsNoJob) {
  const Result result = start_job(1, run_of(1, 10)).wait();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("this job has one process"), std::string::npos) << result.err;
}

TEST_F(MpiRun, WithoutMpirunItSaysHowToStart) {
  const Result result = run_program(run_of(3, 10));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("mpirun -n 4 threepc run"), std::string::npos) << result.err;
}

TEST_F(MpiRun, ServeAndWorkAreRefused) {
  const std::string config = run_of(1, 10)[1];
  const Result serve = start_job(2, {"serve", config}).wait();
  EXPECT_EQ(serve.exit_code, 2);
  EXPECT_NE(serve.err.find("threepc serve is for members that you start one by one"), std::string::npos) << serve.err;
  const Result work = start_job(2, {"work", config, "--rank", "0"}).wait();
  EXPECT_EQ(work.exit_code, 2);
  EXPECT_NE(work.err.find("all with the same command: threepc run"), std::string::npos) << work.err;
}

TEST_F(MpiRun, WhatAWorkerRefusesTheServerSaysOnce) {
  const Result result = start_job(4, run_of(3, 10, {"mechanism.compressor.k=51"})).wait();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(count_of("k = 51 exceeds the dimension", result.err), 1u) << result.err;
}

TEST_F(MpiRun, ADivergingRunEndsWithCode3AndASummary) {
  const Result result = start_job(4, run_of(3, 100000, {"optimizer.stepsize=1e9"})).wait();
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_EQ(read_summary(out())["stopped_by"], "diverged");
}

TEST_F(MpiRun, MissingDataEndsWithCode6) {
  const std::string data = folder_.write("x.txt", "1 1:1\n-1 1:nonsense\n");
  const std::string config =
      folder_.write("data.toml", "[workers]\ncount = 2\n[problem]\nplugin = \"logreg\"\ndata = \"" + data +
                                     "\"\n[mechanism]\nplugin = \"gd\"\n[transport]\nplugin = \"mpi\"\n");
  const Result result = start_job(3, {"run", config, "--out", out()}).wait();
  EXPECT_EQ(result.exit_code, 6) << result.err;
  EXPECT_EQ(count_of("x.txt:2", result.err), 1u) << result.err;
}

// ---- jobs that lose somebody

/// A run that would take hours, with its processes at work.
class MpiLongRun : public MpiRun {
 protected:
  void start(const std::vector<std::string>& set = {}) {
    std::vector<std::string> more = {"run.evaluate_every=10"};
    more.insert(more.end(), set.begin(), set.end());
    job_.emplace(mpirun_arguments(4, with_program(run_of(3, 100000000, more))), THREEPC_TEST_MPIRUN);
    job_->wait_for_stderr("round 0", 60);
    for (const pid_t process : descendants_of(job_->id()))
      if (environment_of(process).find("OMPI_COMM_WORLD_RANK=") != std::string::npos) members_.push_back(process);
    ASSERT_EQ(members_.size(), 4u);
    for (const pid_t member : members_) files_.merge(shared_files_of(member));
    ASSERT_FALSE(files_.empty()) << "ranks on one host share memory";
  }

  /// Nobody, if there is no such rank: kill() takes -1 for everybody.
  void signal(int rank, int number) const {
    for (const pid_t process : members_)
      if (environment_of(process).find("OMPI_COMM_WORLD_RANK=" + std::to_string(rank) + '\0') != std::string::npos)
        return static_cast<void>(kill(process, number));
    FAIL() << "there is no rank " << rank;
  }

  /// Nothing is left of the job: no process, no shared memory, no file of Open MPI's. Other jobs on this host have
  /// theirs, so what belongs to this one is what its ranks have mapped.
  void expect_nothing_left() const {
    EXPECT_TRUE(gone_within(members_, 10));
    for (const std::string& file : files_) EXPECT_FALSE(fs::exists(file)) << file;
  }

  std::optional<Process> job_;
  std::vector<pid_t> members_;

 private:
  static std::vector<std::string> with_program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), THREEPC_TEST_PROGRAM);
    return arguments;
  }
  /// What the launcher has put between itself and the ranks depends on its version.
  static std::vector<pid_t> descendants_of(pid_t process) {
    std::vector<pid_t> out = children_of(process);
    for (std::size_t i = 0; i < out.size(); ++i)
      for (const pid_t child : children_of(out[i])) out.push_back(child);
    return out;
  }
  static std::string environment_of(pid_t process) {
    return read_file("/proc/" + std::to_string(process) + "/environ");
  }
  static std::set<std::string> shared_files_of(pid_t process) {
    std::set<std::string> out;
    std::istringstream maps(read_file("/proc/" + std::to_string(process) + "/maps"));
    for (std::string line; std::getline(maps, line);)
      for (const std::string& folder : {std::string("/dev/shm/"), fs::temp_directory_path().string() + "/ompi."})
        if (const auto at = line.find(folder); at != std::string::npos && fs::exists(line.substr(at)))
          out.insert(line.substr(at));
    return out;
  }

  std::set<std::string> files_;
};

TEST_F(MpiLongRun, AKilledWorkerEndsTheJob) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(signal(2, SIGKILL));
  const Result result = job_->wait();
  EXPECT_EQ(result.exit_code, 128 + SIGKILL) << "as mpirun says it of a killed process: " << result.err;
  EXPECT_NE(result.err.find("rank 2"), std::string::npos) << result.err;
  expect_nothing_left();
  EXPECT_GE(read_metrics(out()).size(), 1u);
  EXPECT_EQ(read_summary(out())["stopped_by"], "interrupted");
  const Result resumed = run_program(
      {"run", "--resume", out(), "--quiet", "--set", "transport.plugin=inproc", "--set", "run.stop.grad_norm=1e9"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_summary(out())["stopped_by"], "grad_norm");
}

TEST_F(MpiLongRun, AKilledServerEndsTheJob) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(signal(0, SIGKILL));
  EXPECT_EQ(job_->wait().exit_code, 128 + SIGKILL);
  expect_nothing_left();
}

TEST_F(MpiLongRun, AStoppedWorkerEndsTheJobAtTheDeadlineWithCode4) {
  ASSERT_NO_FATAL_FAILURE(start({"transport.timeout=2"}));
  ASSERT_NO_FATAL_FAILURE(signal(2, SIGSTOP));
  const Result result = job_->wait();
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_NE(result.err.find("of worker 1: nothing came within 2 s"), std::string::npos) << result.err;
  expect_nothing_left();
  EXPECT_GE(read_metrics(out()).size(), 1u);
}

TEST_F(MpiLongRun, AStoppedServerEndsTheJobAtTheDeadlineWithCode4) {
  ASSERT_NO_FATAL_FAILURE(start({"transport.timeout=2"}));
  ASSERT_NO_FATAL_FAILURE(signal(0, SIGSTOP));
  const Result result = job_->wait();
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_NE(result.err.find("of the server: nothing came within 2 s"), std::string::npos) << result.err;
  expect_nothing_left();
}

TEST_F(MpiLongRun, CtrlCEndsTheJobWithASummary) {
  ASSERT_NO_FATAL_FAILURE(start());
  job_->signal(SIGINT);
  job_->wait();
  expect_nothing_left();
  EXPECT_EQ(read_summary(out())["stopped_by"], "interrupted");
}

TEST_F(MpiLongRun, ASignalToTheServerAloneEndsTheJobWithCode130) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(signal(1, SIGINT));  // a worker leaves this to the server
  ASSERT_NO_FATAL_FAILURE(signal(0, SIGINT));
  EXPECT_EQ(job_->wait().exit_code, 130);
  expect_nothing_left();
  EXPECT_EQ(read_summary(out())["stopped_by"], "interrupted");
}

}  // namespace
}  // namespace threepc::test
