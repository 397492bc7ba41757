// What a run promises of its transports: the same bits on each, many workers in one process, and nothing left of a run
// over shared memory, however it ends.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

class SameBitsOver : public testing::TestWithParam<int> {};

TEST_P(SameBitsOver, InprocTcpAndShm) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(GetParam(), "inproc", 40));
  const auto run = [&](const std::string& transport) {
    const Result result = run_program({"run", config, "--quiet", "--out", folder.path(transport), "--set",
                                       "transport.plugin=" + transport, "--set", "transport.timeout=60"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder.path(transport))["x_hash"].get<std::string>();
  };
  const std::string expected = run("inproc");
  EXPECT_EQ(run("tcp"), expected);
  EXPECT_EQ(run("shm"), expected);
}

INSTANTIATE_TEST_SUITE_P(Workers, SameBitsOver, testing::Values(1, 3, 20),
                         [](const auto& count) { return "n" + std::to_string(count.param); });

/// Where a server that says so listens.
std::string address_of(Process& server) {
  const std::string said = server.wait_for_stderr("--connect "), before = "listening at ";
  const std::size_t at = said.find(before) + before.size();
  return said.substr(at, said.find(' ', at) - at);
}

TEST(Tcp, AServerOnAllAddressesNamesOneToConnectTo) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(1, "tcp", 30));
  Process server(
      {"serve", config, "--out", folder.path("run"), "--listen", "0.0.0.0:0", "--set", "transport.insecure=true"});
  const std::string said = server.wait_for_stderr("--connect ");
  EXPECT_NE(said.find("listening at 0.0.0.0:"), std::string::npos) << said;
  EXPECT_EQ(said.find("--connect 0.0.0.0"), std::string::npos) << said;
  server.signal(SIGINT);
  EXPECT_EQ(server.wait().exit_code, 130);
}

class SlowServer : public testing::TestWithParam<std::string> {};

/// A worker that gave up and began anew whenever it looks for Ctrl+C would never get through a handshake that takes
/// longer.
TEST_P(SlowServer, IsJoinedOnceByEach) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, GetParam(), 30));
  Process server({"serve", config, "--out", folder.path("run")});
  const std::string address = address_of(server);
  server.signal(SIGSTOP);
  Process first({"work", config, "--rank", "0", "--connect", address}),
      second({"work", config, "--rank", "1", "--connect", address});
  std::this_thread::sleep_for(std::chrono::seconds(2));
  server.signal(SIGCONT);
  for (Process* process : {&server, &first, &second}) {
    const Result result = process->wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  const std::string log = read_file(folder.path("run/log.txt"));
  EXPECT_EQ(log.find("joined again"), std::string::npos) << log;
}

TEST_P(SlowServer, DoesNotKeepAWorkerFromLeavingOnCtrlC) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(1, GetParam(), 30));
  Process server({"serve", config, "--out", folder.path("run")});
  const std::string address = address_of(server);
  server.signal(SIGSTOP);
  Process worker({"work", config, "--rank", "0", "--connect", address, "--set", "transport.timeout=1000"});
  std::this_thread::sleep_for(std::chrono::seconds(2));
  worker.signal(SIGINT);
  EXPECT_EQ(worker.wait().exit_code, 130);
}

INSTANTIATE_TEST_SUITE_P(BetweenProcesses, SlowServer, testing::Values("tcp", "shm"),
                         [](const auto& transport) { return transport.param; });

TEST(InProcess, TenThousandWorkersOnTwoThreads) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(10000, "inproc", 20));
  const auto run = [&](const std::string& threads) {
    const Result result = run_program({"run", config, "--quiet", "--out", folder.path(threads), "--set",
                                       "workers.threads=" + threads, "--set", "transport.timeout=50"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder.path(threads))["x_hash"].get<std::string>();
  };
  EXPECT_EQ(run("2"), run("1"));
}

TEST(SharedMemory, ServeAndWorkByHandMeetUnderAName) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "shm", 30));
  ASSERT_EQ(run_program({"run", config, "--quiet", "--out", folder.path("run")}).exit_code, 0);
  const std::string name = "served-" + std::to_string(getpid());
  Process server({"serve", config, "--listen", name, "--out", folder.path("served")});
  Process first({"work", config, "--rank", "0", "--connect", name}),
      second({"work", config, "--rank", "1", "--connect", name});
  EXPECT_EQ(server.wait().exit_code, 0);
  EXPECT_EQ(first.wait().exit_code, 0);
  EXPECT_EQ(second.wait().exit_code, 0);
  EXPECT_EQ(read_summary(folder.path("served"))["x_hash"], read_summary(folder.path("run"))["x_hash"]);
}

/// A run over shared memory that would take hours, with its workers at work.
class LongSharedRun : public testing::Test {
 protected:
  void SetUp() override {
    const std::string config = folder_.write("long.toml", small_config(3, "shm", 100000000));
    run_ = std::make_unique<Process>(std::vector<std::string>{"run", config, "--out", folder_.path("run"), "--set",
                                                              "run.evaluate_every=100", "--set",
                                                              "faults.on_worker_loss=stop"});
    run_->wait_for_stderr("round 0", 60);
    workers_ = children_of(run_->id());
    ASSERT_EQ(workers_.size(), 3u);
    name_ = "threepc-shm/" + argument_after(workers_.front(), "--connect");
    ASSERT_TRUE(is_listening());
  }

  void expect_nothing_left() {
    EXPECT_TRUE(gone_within(workers_, 20));
    EXPECT_FALSE(is_listening());
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
      EXPECT_EQ(entry.path().string().find("threepc"), std::string::npos) << entry.path();
  }

  /// The socket is in the kernel's list as long as somebody has it.
  bool is_listening() const { return read_file("/proc/net/unix").find(name_) != std::string::npos; }

  static std::string argument_after(pid_t process, const std::string& option) {
    std::istringstream line(read_file("/proc/" + std::to_string(process) + "/cmdline"));
    for (std::string word; std::getline(line, word, '\0');)
      if (word == option && std::getline(line, word, '\0')) return word;
    return "";
  }

  Folder folder_;
  std::unique_ptr<Process> run_;
  std::vector<pid_t> workers_;
  std::string name_;
};

TEST_F(LongSharedRun, NothingIsLeftWhenItsServerIsKilled) {
  run_->signal(SIGKILL);
  run_->wait();
  expect_nothing_left();
}

TEST_F(LongSharedRun, NothingIsLeftWhenAWorkerIsKilledAndItIsNamed) {
  const std::string rank = argument_after(workers_[1], "--rank");
  kill(workers_[1], SIGKILL);
  const Result result = run_->wait();
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("worker " + rank + " was killed by signal 9"), std::string::npos) << result.err;
  expect_nothing_left();
}

TEST_F(LongSharedRun, NothingIsLeftWhenItIsInterrupted) {
  run_->signal(SIGINT);
  EXPECT_EQ(run_->wait().exit_code, 130);
  expect_nothing_left();
}

}  // namespace
}  // namespace threepc::test
