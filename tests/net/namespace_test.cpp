// Runs between two hosts: network namespaces with a link between them, which can be shaped and cut. Only here do tests
// listen on addresses beyond loopback. Needs root and iproute2.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "memory_of.hpp"
#include "program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Two namespaces, "server" at 10.77.0.1 and "workers" at 10.77.0.2, with names of this process's own.
class Link {
 public:
  Link() {
    // The shell outlives this process in any case: it waits for the end of the pipe, then cleans up.
    const std::string clean =
        "trap '' HUP INT TERM; cat >/dev/null; ip netns del " + server() + "; ip netns del " + workers();
    janitor_ = ::popen(("(" + clean + ") 2>/dev/null").c_str(), "we");
    made_ = command("ip netns add " + server()) && command("ip netns add " + workers()) &&
            command("ip link add tpc0 netns " + server() + " type veth peer name tpc0 netns " + workers()) &&
            set_up(server(), "10.77.0.1") && set_up(workers(), "10.77.0.2");
  }
  ~Link() { ::pclose(janitor_); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool made() const { return made_; }
  const std::string& why_not() const { return output_; }

  /// A token bucket at both ends.
  bool shape(const std::string& rate) {
    const std::string rest = " tc qdisc add dev tpc0 root tbf rate " + rate + " burst 32kbit latency 400ms";
    return command("ip netns exec " + server() + rest) && command("ip netns exec " + workers() + rest);
  }
  bool cut() { return command("ip -n " + server() + " link set tpc0 down"); }
  bool restore() { return command("ip -n " + server() + " link set tpc0 up"); }

  std::unique_ptr<Process> at_server(const std::vector<std::string>& arguments) const {
    return in(server(), arguments);
  }
  std::unique_ptr<Process> at_workers(const std::vector<std::string>& arguments) const {
    return in(workers(), arguments);
  }

 private:
  static std::string name(const char* side) { return "threepc-" + std::to_string(::getpid()) + "-" + side; }
  static std::string server() { return name("server"); }
  static std::string workers() { return name("workers"); }

  bool set_up(const std::string& at, const std::string& address) {
    return command("ip -n " + at + " link set lo up") &&
           command("ip -n " + at + " address add " + address + "/24 dev tpc0") &&
           command("ip -n " + at + " link set tpc0 up");
  }

  /// Keeps what a command that fails says.
  bool command(const std::string& text) {
    FILE* const pipe = ::popen((text + " 2>&1").c_str(), "re");
    char line[256];
    std::string said;
    while (std::fgets(line, sizeof line, pipe) != nullptr) said += line;
    if (::pclose(pipe) == 0) return true;
    output_ = text + ": " + said;
    return false;
  }

  static std::unique_ptr<Process> in(const std::string& at, const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"netns", "exec", at, THREEPC_TEST_PROGRAM};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return std::make_unique<Process>(all, ip());
  }
  static std::string ip() { return ::access("/usr/sbin/ip", X_OK) == 0 ? "/usr/sbin/ip" : "/sbin/ip"; }

  FILE* janitor_;
  bool made_ = false;
  std::string output_;
};

/// A run with token and TLS over a Link: threepc serve on one side, threepc work on the other.
class TwoHosts : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make network namespaces";
    link_ = std::make_unique<Link>();
    if (!link_->made()) GTEST_SKIP() << "network namespaces cannot be made here: " << link_->why_not();
    folder_.write("token", "a token of some thirty characters");
    fs::permissions(folder_.path("token"), fs::perms::owner_read);
    ASSERT_EQ(run_program({"certs", folder_.path("lab"), "--host", "10.77.0.1"}).exit_code, 0);
  }

  void configure(const std::string& text, const std::vector<std::string>& set = {}) {
    config_ = folder_.write("run.toml", text);
    set_ = set;
  }

  std::vector<std::string> with_secrets(std::vector<std::string> arguments, const std::string& who) const {
    for (const std::string& one : set_) arguments.insert(arguments.end(), {"--set", one});
    for (const std::string& file :
         {"token_file=" + folder_.path("token"), "ca=" + folder_.path("lab/ca.pem"),
          "certificate=" + folder_.path("lab/" + who + ".pem"), "key=" + folder_.path("lab/" + who + ".key")})
      arguments.insert(arguments.end(), {"--set", "transport." + file});
    return arguments;
  }

  void start(int workers, const std::vector<std::string>& of_workers = {}) {
    server_ = link_->at_server(
        with_secrets({"serve", config_, "--listen", "10.77.0.1:5555", "--out", folder_.path("run")}, "server"));
    for (int rank = 0; rank < workers; ++rank) {
      std::vector<std::string> arguments = {"work",      config_,         "--rank", std::to_string(rank),
                                            "--connect", "10.77.0.1:5555"};
      arguments.insert(arguments.end(), of_workers.begin(), of_workers.end());
      workers_.push_back(link_->at_workers(with_secrets(arguments, "worker")));
    }
  }

  void expect_success() {
    const Result result = server_->wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    for (const auto& worker : workers_) {
      const Result end = worker->wait();
      EXPECT_EQ(end.exit_code, 0) << end.err;
    }
    EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], hash_in_process());
  }

  std::string hash_in_process() const {
    std::vector<std::string> arguments = {"run", config_, "--quiet", "--out", folder_.path("inproc")};
    for (const std::string& one : set_)
      if (one.rfind("transport.", 0) != 0) arguments.insert(arguments.end(), {"--set", one});
    arguments.insert(arguments.end(), {"--set", "transport.plugin=inproc"});
    const Result result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder_.path("inproc"))["x_hash"];
  }

  Folder folder_;
  std::unique_ptr<Link> link_;
  std::string config_;
  std::vector<std::string> set_;
  std::unique_ptr<Process> server_;
  std::vector<std::unique_ptr<Process>> workers_;
};

TEST_F(TwoHosts, ARunWithTokenAndTlsHasTheBitsOfOneInProcess) {
  configure(small_config(3, "tcp", 100));
  start(3);
  expect_success();
}

TEST_F(TwoHosts, WithoutProtectionTheServerDoesNotStart) {
  configure(small_config(1, "tcp", 100));
  const Result result =
      link_->at_server({"serve", config_, "--listen", "10.77.0.1:5555", "--out", folder_.path("run")})->wait();
  EXPECT_EQ(result.exit_code, 2);
  for (const std::string way : {"token_file", "threepc certs", "insecure = true"})
    EXPECT_NE(result.err.find(way), std::string::npos) << result.err;
}

TEST_F(TwoHosts, ATokenAloneIsEnoughAndWarns) {
  configure(small_config(1, "tcp", 50));
  server_ = link_->at_server({"serve", config_, "--listen", "10.77.0.1:5555", "--out", folder_.path("run"), "--set",
                              "transport.token_file=" + folder_.path("token")});
  workers_.push_back(link_->at_workers({"work", config_, "--rank", "0", "--connect", "10.77.0.1:5555", "--set",
                                        "transport.token_file=" + folder_.path("token")}));
  expect_success();
  EXPECT_NE(read_file(folder_.path("run/log.txt")).find("neither encrypted nor authenticated"), std::string::npos);
}

TEST_F(TwoHosts, ASlowLinkSlowsTheRunAndNothingElse) {
  if (!link_->shape("10mbit")) GTEST_SKIP() << "links cannot be shaped here: " << link_->why_not();
  // 160 kB to each of two workers in a round: a quarter of a second at 10 Mbit/s.
  configure(small_config(2, "tcp", 20), {"problem.dim=20000", "optimizer.stepsize=0.1", "run.evaluate_every=20"});
  std::atomic<bool> over{false};
  double most = 0;
  start(2);
  std::jthread watcher([&] {
    for (; !over; std::this_thread::sleep_for(std::chrono::milliseconds(20)))
      most = std::max(most, resident_megabytes(server_->id()));
  });
  expect_success();
  over = true;
  watcher.join();
  EXPECT_GT(most, 0);
  EXPECT_LT(most, 150);
  RecordProperty("megabytes", std::to_string(most));
}

TEST_F(TwoHosts, ADeadLinkIsNoticedByBothEnds) {
  constexpr int keepalive = 4;
  configure(small_config(2, "tcp", 100000000),
            {"transport.keepalive=" + std::to_string(keepalive), "transport.timeout=60", "run.evaluate_every=100",
             "faults.on_worker_loss=stop"});
  start(2);
  server_->wait_for_stderr("round 0");
  const auto begin = Clock::now();
  ASSERT_TRUE(link_->cut()) << link_->why_not();
  const Result result = server_->wait();
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("waiting for"), std::string::npos) << result.err;
  for (const auto& worker : workers_) {
    const Result end = worker->wait();
    EXPECT_EQ(end.exit_code, 4) << end.err;
    EXPECT_NE(end.err.find("the server"), std::string::npos) << end.err;
  }
  // Well before the time-out of 60 s, which would have noticed in any case.
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(40));
}

TEST_F(TwoHosts, ALinkThatIsRestoredSoonEnoughHarmsNobody) {
  configure(small_config(2, "tcp", 20000),
            {"transport.keepalive=30", "transport.timeout=60", "run.evaluate_every=1000"});
  start(2);
  server_->wait_for_stderr("round 0");
  ASSERT_TRUE(link_->cut()) << link_->why_not();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run/summary.json"))) << "the run was over before the cut";
  ASSERT_TRUE(link_->restore()) << link_->why_not();
  expect_success();
}

TEST_F(TwoHosts, ALinkThatIsCutForLongerIsALossThatTheRunSurvives) {
  configure(small_config(2, "tcp", 20000),
            {"transport.keepalive=3", "transport.timeout=60", "run.evaluate_every=1000", "faults.on_worker_loss=wait"});
  start(2, {"--retry", "120"});
  server_->wait_for_stderr("round 0");
  ASSERT_TRUE(link_->cut()) << link_->why_not();
  std::this_thread::sleep_for(std::chrono::seconds(8));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run/summary.json"))) << "the run was over before the cut";
  ASSERT_TRUE(link_->restore()) << link_->why_not();
  expect_success();
  EXPECT_NE(read_file(folder_.path("run/log.txt")).find("joined again from 10.77.0.2"), std::string::npos);
}

}  // namespace
}  // namespace threepc::test
