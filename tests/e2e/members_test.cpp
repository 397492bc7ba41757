// Whatever one worker says or sends costs that worker, and never the run. The hostile one speaks the protocol from this
// process, through the transport's plugin.
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <memory>
#include <thread>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "plugin/instances.hpp"
#include "plugin/streams.hpp"
#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;

/// Worker 2 of three, as whoever writes the test wants it to be.
class HostileWorker {
 public:
  HostileWorker(const std::string& file, const std::vector<std::string>& set, const std::string& address)
      : config_(load_config(file, set)),
        transport_(config_.transport, {config_.dtype, 0, config_.workers, 2, config_.seed}, streams::transport),
        channel_(transport_, 20) {
    channel_.open(address);
    channel_.join();
    channel_.send(0, MessageType::hello, 0, {});
    static_cast<void>(channel_.expect(0, MessageType::configuration, 0, "the configuration"));
    channel_.send(0, MessageType::facts, 0, to_bytes(WorkerFacts{50, true, 1, 1, NAN, {}}));
  }

  /// Answers until the server asks for a round, with an update that says nothing in those before `round`, and then
  /// calls `act`. Returns what the server says when it sends this worker away.
  std::string act_in(std::uint64_t round, const std::function<void(HostileWorker&, std::uint64_t)>& act) {
    try {
      for (;;) answer(channel_.receive(0, 0, "anything"), round, act);
    } catch (const Failure& failure) {
      return failure.what();
    }
  }

  void update(Bytes program, std::uint64_t round) {
    seal(program, round);
    send(MessageType::update, round, program);
  }
  void send(MessageType type, std::uint64_t round, const Bytes& data) { channel_.send(0, type, round, data); }

  /// The dense start, all zeros.
  static Bytes beginning() {
    Bytes program(1 + 50 * sizeof(double));
    program[0] = 2 | 4;
    return program;
  }

 private:
  void answer(const tpc_message& message, std::uint64_t round,
              const std::function<void(HostileWorker&, std::uint64_t)>& act) {
    const auto type = static_cast<MessageType>(message.type);
    if (type == MessageType::curvature) return send(type, message.round, {message.data, message.data + message.size});
    if (type == MessageType::restore) return send(type, message.round, {});
    const auto question = question_of(message.type);
    if (!question || !question->update) return;
    if (message.round >= round) return act(*this, message.round);
    update(message.round == 0 ? beginning() : Bytes(), message.round);
    if (question->evaluation) send(MessageType::evaluation, message.round, Bytes(message.round == 0 ? 8 : 8 + 50 * 8));
  }

  RunConfig config_;
  Transport transport_;
  Channel channel_;
};

class OneBadWorker : public testing::Test {
 protected:
  OneBadWorker() { setenv("THREEPC_TOKEN", join_token, 0); }

  const std::vector<std::string> set_ = {"run.evaluate_every=5", "optimizer.stepsize=0.01", "transport.insecure=true",
                                         "transport.timeout=20", "faults.patience=20"};

  std::vector<std::string> with_set(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
    for (const auto* list : {&set_, &more})
      for (const std::string& item : *list) arguments.insert(arguments.end(), {"--set", item});
    return arguments;
  }

  void serve(const std::vector<std::string>& more = {}) {
    server_ = std::make_unique<Process>(
        with_set({"serve", config_, "--listen", "127.0.0.1:0", "--out", folder_.path("run")}, more));
    const std::string said = server_->wait_for_stderr("--connect ");
    const std::size_t at = said.find("127.0.0.1:");
    address_ = said.substr(at, said.find(' ', at) - at);
  }
  std::unique_ptr<Process> work(const char* rank, const std::vector<std::string>& more = {}) {
    return std::make_unique<Process>(with_set({"work", config_, "--rank", rank, "--connect", address_}, more));
  }
  std::string log() const { return read_file(folder_.path("run/log.txt")); }
  void await_log(const std::string& text) const {
    for (int i = 0; i < 6000 && log().find(text) == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_NE(log().find(text), std::string::npos) << log();
  }

  /// A run in which worker 2 behaves so in round 7 must end well without it, and name it.
  void survives(const std::function<void(HostileWorker&, std::uint64_t)>& act, const std::string& named) {
    serve({"run.rounds=300"});
    const auto first = work("0"), second = work("1");
    std::vector<std::string> set = set_;
    set.push_back("run.rounds=300");
    HostileWorker hostile(config_, set, address_);
    hostile.act_in(7, act);
    EXPECT_EQ(server_->wait().exit_code, 0) << log();
    EXPECT_EQ(first->wait().exit_code, 0);
    EXPECT_EQ(second->wait().exit_code, 0);
    EXPECT_NE(log().find(named), std::string::npos) << log();
    EXPECT_EQ(read_summary(folder_.path("run"))["stopped_by"], "rounds");
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(3, "tcp", 300));
  std::unique_ptr<Process> server_;
  std::string address_;
};

TEST_F(OneBadWorker, SendsAProgramThatDoesNotParse) {
  survives(
      [](HostileWorker& w, std::uint64_t round) {
        w.update({0xff, 0xff, 0xff, 0xff}, round);
      },
      "the update of worker 2: malformed message");
}

TEST_F(OneBadWorker, SendsAPayloadThatCannotBeDecodedToItsEnd) {
  // The first operation of the program is sound and moves the sum, which must be as if it had not.
  survives(
      [](HostileWorker& w, std::uint64_t round) {
        Bytes program = HostileWorker::beginning();
        program[0] = 1;  // add, dense, not the last
        program.insert(program.begin() + 1, {0x90, 0x03});
        program.insert(program.end(), {1 | 4 | 1 << 3, 0xff, 0xff, 0xff});
        w.update(program, round);
      },
      "the update of worker 2:");
}

TEST_F(OneBadWorker, ResetsWhereItsMechanismNeverDoes) {
  survives([](HostileWorker& w, std::uint64_t round) { w.update(HostileWorker::beginning(), round); },
           "worker 2 reset g_i, which the");
}

TEST_F(OneBadWorker, SendsAnEvaluationOfTheWrongSize) {
  survives(
      [](HostileWorker& w, std::uint64_t round) {
        w.update({}, round);
        w.send(MessageType::evaluation, round, Bytes(12));
      },
      "worker 2 sent an evaluation of 12 bytes, 408 expected");
}

TEST_F(OneBadWorker, FailsWithAnyCode) {
  survives(
      [](HostileWorker& w, std::uint64_t) {
        w.send(MessageType::failure, 0, to_failure_message(Failure(Exit::data, "my disk is on fire")));
        throw Failure(Exit::data, "gone");
      },
      "my disk is on fire");
}

TEST_F(OneBadWorker, SendsNumbersThatAreNotFinite) {
  survives(
      [](HostileWorker& w, std::uint64_t round) {
        Bytes program = HostileWorker::beginning();
        program[0] = 1 | 4;
        const double bad = std::numeric_limits<double>::quiet_NaN();
        std::memcpy(program.data() + 1, &bad, sizeof bad);
        w.update(program, round);
        w.send(MessageType::diagnosis, round, {});
      },
      "worker 2: its update decodes to NaN");
}

TEST_F(OneBadWorker, ComesBackWithSomethingElse) {
  serve({"run.rounds=100000000"});
  const auto first = work("0"), second = work("1"), third = work("2");
  for (int i = 0; i < 6000 && read_file(folder_.path("run/metrics.jsonl")).empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  third->signal(SIGKILL);
  await_log("counts as skipping");
  const auto other = work("2", {"run.seed=2"});
  const Result refused = other->wait();
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("run.seed = "), std::string::npos) << refused.err;
  await_log("worker 2 did not come back");
  const auto sound = work("2");
  await_log("worker 2 is back");
  server_->signal(SIGINT);
  EXPECT_EQ(server_->wait().exit_code, 130);
}

/// Old messages that come again and again hold up a round no longer than silence does.
TEST_F(OneBadWorker, RepeatsWhatItHasSaid) {
  serve({"run.rounds=300", "transport.timeout=10"});
  const auto first = work("0"), second = work("1");
  std::vector<std::string> set = set_;
  HostileWorker hostile(config_, set, address_);
  std::jthread repeating([&](const std::stop_token& stop) {
    hostile.act_in(7, [&](HostileWorker& w, std::uint64_t) {
      while (!stop.stop_requested()) {
        w.send(MessageType::update, 3, Bytes(40));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  });
  EXPECT_EQ(server_->wait().exit_code, 0) << log();
  EXPECT_NE(log().find("waiting for the update of worker 2: nothing came"), std::string::npos) << log();
}

/// All machines are taken away at once: nobody has diverged, and the run can go on.
TEST_F(OneBadWorker, OrAllAreAskedToLeave) {
  serve({"run.rounds=100000000", "faults.patience=2"});
  const std::unique_ptr<Process> workers[] = {work("0"), work("1"), work("2")};
  for (int i = 0; i < 6000 && read_file(folder_.path("run/metrics.jsonl")).size() < 1000; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (const auto& worker : workers) worker->signal(SIGTERM);
  for (const auto& worker : workers) EXPECT_EQ(worker->wait().exit_code, 130);
  const Result ended = server_->wait();
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_NE(ended.err.find("no worker is left"), std::string::npos) << ended.err;
  EXPECT_NE(log().find("checkpoint of round"), std::string::npos) << log();
}

// ---- a server that is none

/// Asked before they have a configuration, workers answer or end with a reason.
TEST(FalseServer, CrashesNoWorker) {
  setenv("THREEPC_TOKEN", join_token, 0);
  const Folder folder;
  const std::string file = folder.write("run.toml", small_config(1, "tcp", 300));
  const RunConfig config = load_config(file, {});
  const std::pair<MessageType, const char*> questions[] = {
      {MessageType::snapshot, "the server asked for a state before its configuration"},
      {MessageType::restore, "the server sent a state before its configuration"},
      {MessageType::model, "the server sent a model before its configuration"},
      {MessageType::evaluate, "the server sent a model before its configuration"}};
  for (const auto& [question, answer] : questions) {
    Transport transport(config.transport, {config.dtype, 0, 1, TPC_SERVER, config.seed}, streams::transport);
    Channel channel(transport, 20);
    channel.open("127.0.0.1:0");
    Process worker({"work", file, "--rank", "0", "--connect", transport.address()});
    channel.join();
    static_cast<void>(channel.expect(1, MessageType::hello, 0, "the greeting"));
    channel.send(1, MessageType::diagnose, 0, {});
    EXPECT_EQ(channel.expect(1, MessageType::diagnosis, 0, "the diagnosis").size, 0u);
    channel.send(1, question, 0, {});
    EXPECT_THROW(channel.receive(1, 0, "its failure"), Failure);
    const Result ended = worker.wait();
    EXPECT_EQ(ended.exit_code, 4);
    EXPECT_NE(ended.err.find(answer), std::string::npos) << ended.err;
  }
}

// ---- numbers

class SourNumbers : public testing::TestWithParam<const char*> {
 protected:
  Result run(const std::string& transport, const std::string& set = "workers.threads=1") const {
    const std::string file = folder_.write(
        "run.toml",
        "[run]\nevaluate_every = 1\nrounds = 20\n[workers]\ncount = 3\n[problem]\nplugin = \"sour\"\nfrom = "
        "5\n[mechanism]\nplugin = "
        "\"gd\"\n[optimizer]\nstepsize = 0.1\n[plugins]\npath = [\"" THREEPC_TEST_BINARIES "/plugins\"]\n");
    return run_program({"run", file, "--out", folder_.path(transport), "--set", "transport.plugin=" + transport,
                        "--set", std::string("problem.value=\"") + GetParam() + "\"", "--set", set});
  }
  Folder folder_;
};

TEST_P(SourNumbers, EndARunInProcessWithTheNameOfWhoHasThem) {
  const Result result = run("inproc");
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_NE(result.err.find("round 5: worker 1: problem 'sour'"), std::string::npos) << result.err;
  EXPECT_TRUE(std::filesystem::exists(folder_.path("inproc/checkpoint/round-000000000004.ckpt")));
}

/// The pauses are long enough for its process to have ended and to be looked at, twice.
TEST_P(SourNumbers, CostARunOfProcessesTheirWorker) {
  const Result result = run("tcp",
                            "faults.inject=[{kind='delay', worker=-1, round=8, seconds=1}, "
                            "{kind='delay', worker=-1, round=12, seconds=2.5}]");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("round 5: worker 1: problem 'sour'"), std::string::npos) << result.err;
  EXPECT_EQ(read_summary(folder_.path("tcp"))["stopped_by"], "rounds");
}

INSTANTIATE_TEST_SUITE_P(All, SourNumbers, testing::Values("nan", "inf", "1e308"),
                         [](const auto& value) { return std::string(value.param); });

}  // namespace
}  // namespace threepc::test
