// Who can be a worker of a run on this host, where others may have an account as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

/// Of a process: its command line or environment, a line each.
std::string of_process(pid_t process, const std::string& what) {
  std::string text = read_file("/proc/" + std::to_string(process) + "/" + what);
  std::replace(text.begin(), text.end(), '\0', '\n');
  return text;
}

/// The line after the one that is `before`.
std::string line_after(const std::string& text, const std::string& before) {
  const std::size_t at = text.find("\n" + before + "\n") + before.size() + 2;
  return text.substr(at, text.find('\n', at) - at);
}

/// The program without a join token in its environment.
Result run_without_token(const std::vector<std::string>& arguments) {
  ::setenv("THREEPC_TOKEN", "", 1);
  const Result result = run_program(arguments);
  ::unsetenv("THREEPC_TOKEN");
  return result;
}

TEST(Doors, AServerOnLoopbackSaysHowToKeepOtherUsersOut) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(1, "tcp", 20));
  const Result result = run_without_token({"serve", config, "--listen", "127.0.0.1:0", "--out", folder.path("run")});
  EXPECT_EQ(result.exit_code, 2);
  for (const char* const part : {"127.0.0.1:0 can be reached by every user of this host", "export THREEPC_TOKEN=",
                                 "token_file", "threepc certs", "--set transport.insecure=true"})
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

/// A run over TCP that would take hours.
class OwnWorkers : public testing::Test {
 protected:
  void SetUp() override {
    config_ = folder_.write("run.toml", small_config(2, "tcp", 100000000));
    run_ = std::make_unique<Process>(
        std::vector<std::string>{"run", config_, "--out", folder_.path("run"), "--set", "run.evaluate_every=100"});
    run_->wait_for_stderr("round 0", 60);
    workers_ = children_of(run_->id());
    ASSERT_EQ(workers_.size(), 2u);
    const std::string environment = "\n" + of_process(workers_[0], "environ");
    const std::size_t at = environment.find("\nTHREEPC_TOKEN=");
    ASSERT_NE(at, std::string::npos) << environment;
    token_ = environment.substr(at + 15, environment.find('\n', at + 15) - at - 15);
  }

  std::string address() const { return line_after(of_process(workers_[0], "cmdline"), "--connect"); }
  std::string log() const { return read_file(folder_.path("run/log.txt")); }
  Result join(const std::string& rank) const {
    return run_without_token(
        {"work", config_, "--rank", rank, "--connect", address(), "--set", "transport.timeout=20"});
  }

  Folder folder_;
  std::string config_, token_;
  std::unique_ptr<Process> run_;
  std::vector<pid_t> workers_;
};

TEST_F(OwnWorkers, AreTheOnlyOnesThatMayJoin) {
  const Result stranger = join("0");
  EXPECT_EQ(stranger.exit_code, 2);
  EXPECT_NE(stranger.err.find("asks for a token"), std::string::npos) << stranger.err;
}

TEST_F(OwnWorkers, ShareASecretThatIsWrittenNowhere) {
  EXPECT_EQ(token_.size(), 64u);
  EXPECT_EQ(of_process(workers_[1], "environ").find(token_) == std::string::npos, false);
  std::string seen = read_file(folder_.path("run/config.toml")) + log();
  for (const pid_t process : {run_->id(), workers_[0], workers_[1]}) seen += of_process(process, "cmdline");
  EXPECT_EQ(seen.find(token_), std::string::npos);
}

TEST_F(OwnWorkers, HaveItWhenTheyAreStartedAgain) {
  kill(workers_[1], SIGKILL);
  for (int i = 0; i < 6000 && log().find("worker 1 is back") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_NE(log().find("worker 1 is back"), std::string::npos) << log();
}

TEST_F(OwnWorkers, OfAnotherRunHaveAnotherSecret) {
  Process other({"run", config_, "--out", folder_.path("other")});
  other.wait_for_stderr("round 0", 60);
  const std::vector<pid_t> others = children_of(other.id());
  ASSERT_EQ(others.size(), 2u);
  const std::string environment = of_process(others[0], "environ");
  EXPECT_NE(environment.find("THREEPC_TOKEN="), std::string::npos);
  EXPECT_EQ(environment.find(token_), std::string::npos);
}

}  // namespace
}  // namespace threepc::test
