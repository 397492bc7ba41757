// Members that are processes of their own and are killed or stopped, in every phase: the others get the right status
// with the right name, within the deadline, and nothing is left behind.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../e2e/program.hpp"
#include "contract.hpp"

namespace transport_test {
namespace {

using threepc::test::Process;
constexpr std::size_t large = std::size_t{100} << 20;

/// A member as a process of its own, which follows the script in `steps`; see peer.cpp.
class PeerProcess : public Process {
 public:
  PeerProcess(const std::string& id, std::uint32_t workers, const std::string& rank, const std::string& address,
              const std::vector<std::string>& steps)
      : Process(arguments(id, workers, rank, address, steps), THREEPC_TEST_PEER) {}

  void await(const std::string& text) { wait_for_stderr(text, 60); }
  void await_step(const std::string& step) { await("at " + step + "\n"); }
  void kill() const { signal(SIGKILL); }
  void stop() const { signal(SIGSTOP); }
  void go_on() const { signal(SIGCONT); }

  /// Of a server that has opened.
  std::string address() {
    await_step("join");
    const std::string said = wait_for_stderr("address ", 60);
    const std::size_t begin = said.find("address ") + 8;
    return said.substr(begin, said.find('\n', begin) - begin);
  }

 private:
  static std::vector<std::string> arguments(const std::string& id, std::uint32_t workers, const std::string& rank,
                                            const std::string& address, const std::vector<std::string>& steps) {
    std::vector<std::string> out = {id, std::to_string(workers), rank, address};
    out.insert(out.end(), steps.begin(), steps.end());
    return out;
  }
};

/// A server of this process with two workers: a process that follows a script as worker 0, and a sound one that
/// answers what it gets as worker 1.
class ServerOfTwo {
 public:
  ServerOfTwo(const std::string& id, std::vector<std::string> steps)
      : server_(opened_server(id, 2)), sound_(id, 2, "1", server_->address(), {"open", "join", "echo"}) {
    steps.insert(steps.begin(), {"open", "join"});
    victim_.emplace(id, 2, "0", server_->address(), steps);
    server_->join(soon());
    victim_->await_step(steps[2]);
  }

  Transport& server() { return *server_; }
  PeerProcess& victim() { return *victim_; }

  /// Whatever has happened to worker 0, worker 1 is served.
  void expect_other_unharmed() {
    const Bytes data = pattern(5000, 9);
    server_->send(member(1), message(data), soon());
    EXPECT_TRUE(same_bytes(server_->receive(member(1), soon()), data));
  }

  void expect_lost() {
    expect_failure(outcome_of([&] { server_->receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
    expect_other_unharmed();
  }

 private:
  Member server_;
  PeerProcess sound_;
  std::optional<PeerProcess> victim_;
};

/// Runs `meanwhile` a moment after `call` has begun, which blocks.
Outcome outcome_while(const std::function<void()>& call, const std::function<void()>& meanwhile) {
  Outcome outcome;
  in_parallel({[&] { outcome = outcome_of(call); }, [&] { let_it_block(), meanwhile(); }});
  return outcome;
}

double seconds_of(const std::function<void()>& call) {
  const double begin = now_seconds();
  call();
  return now_seconds() - begin;
}

// ---- a worker is killed

TEST_P(TransportProcesses, AWorkerKilledBeforeItJoinsIsMissed) {
  Member server = opened_server(id(), 1);
  PeerProcess worker(id(), 1, "0", server->address(), {"open", "hang", "join"});
  worker.await_step("hang");
  worker.kill();
  expect_timely([&] { server->join(in(0.5)); }, 0.5, "worker 0 has not joined");
}

TEST_P(TransportProcesses, AWorkerKilledWhileItJoinsIsMissedOrLost) {
  Member server = opened_server(id(), 1);
  PeerProcess worker(id(), 1, "0", server->address(), {"open", "join"});
  worker.await_step("join");
  let_it_block();
  worker.kill();
  worker.wait();
  // It may have been in the queue of those who want to join; then it is taken in, and found lost.
  const Outcome join = outcome_of([&] { server->join(in(1)); });
  if (join.status == TPC_OK)
    expect_failure(outcome_of([&] { server->receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
  else
    expect_failure(join, TPC_TIMEOUT, "worker 0 has not joined");
}

TEST_P(TransportProcesses, AWorkerKilledWhileTheServerWaitsForItIsLost) {
  ServerOfTwo run(id(), {"hang"});
  expect_failure(outcome_while([&] { run.server().receive(member(0), soon()); }, [&] { run.victim().kill(); }),
                 TPC_CLOSED, "worker 0");
  run.expect_lost();
}

TEST_P(TransportProcesses, AWorkerKilledInTheMiddleOfItsMessageIsLost) {
  ServerOfTwo run(id(), {"send=" + std::to_string(large), "receive"});
  let_it_block();
  run.victim().kill();
  run.expect_lost();
}

TEST_P(TransportProcesses, AWorkerKilledWhileItsMessagesAreReceivedIsLost) {
  ServerOfTwo run(id(), {"flood=3000000"});
  const auto receive_all = [&] {
    for (;;) EXPECT_EQ(run.server().receive(member(0), soon()).size, 3000000u);
  };
  expect_failure(outcome_while(receive_all, [&] { run.victim().kill(); }), TPC_CLOSED, "worker 0");
  run.expect_lost();
}

TEST_P(TransportProcesses, AWorkerKilledWhileTheServerSendsToItIsLost) {
  ServerOfTwo run(id(), {"hang"});
  const Bytes data = pattern(large, 1);
  const Outcome sent =
      outcome_while([&] { run.server().send(member(0), message(data), soon()); }, [&] { run.victim().kill(); });
  if (sent.status != TPC_OK) expect_failure(sent, TPC_CLOSED, "worker 0");
  run.expect_lost();
}

TEST_P(TransportProcesses, AWorkerKilledDuringABroadcastIsPassedOver) {
  ServerOfTwo run(id(), {"hang"});
  const Bytes data = pattern(20 << 20, 1);
  const Outcome sent =
      outcome_while([&] { run.server().broadcast(message(data), soon()); }, [&] { run.victim().kill(); });
  EXPECT_EQ(sent.status, TPC_OK) << sent;
  EXPECT_TRUE(same_bytes(run.server().receive(member(1), soon()), data));
  run.expect_lost();
}

TEST_P(TransportProcesses, AWorkerKilledDuringCloseDoesNotHoldItUp) {
  ServerOfTwo run(id(), {"hang"});
  const Bytes data = pattern(20 << 20, 1);
  run.server().send(member(0), message(data), soon());
  const double took =
      seconds_of([&] { outcome_while([&] { run.server().close(in(20)); }, [&] { run.victim().kill(); }); });
  EXPECT_LT(took, 25);
}

TEST_P(TransportProcesses, WhatAKilledWorkerSentBeforeIsDelivered) {
  ServerOfTwo run(id(), {"send=5000", "receive"});
  run.victim().await_step("receive");
  let_it_block();
  run.victim().kill();
  run.victim().wait();
  EXPECT_TRUE(same_bytes(run.server().receive(member(0), soon()), pattern(5000, 1)));
  run.expect_lost();
}

// ---- a worker is stopped

TEST_P(TransportProcesses, AStoppedWorkerIsATimeoutAndMayGoOn) {
  ServerOfTwo run(id(), {"echo"});
  run.victim().stop();
  run.server().send(member(0), message(pattern(3000, 1)), soon());
  expect_timely([&] { run.server().receive(member(0), in(0.5)); }, 0.5, "worker 0");
  run.expect_other_unharmed();
  run.victim().go_on();
  EXPECT_TRUE(same_bytes(run.server().receive(member(0), soon()), pattern(3000, 1)));
}

TEST_P(TransportProcesses, AWorkerStoppedInTheMiddleOfItsMessageIsATimeoutAndMayGoOn) {
  ServerOfTwo run(id(), {"send=" + std::to_string(large), "receive"});
  let_it_block();
  run.victim().stop();
  expect_timely([&] { run.server().receive(member(0), in(0.5)); }, 0.5, "worker 0");
  run.expect_other_unharmed();
  run.victim().go_on();
  EXPECT_EQ(run.server().receive(member(0), soon()).size, large);
}

TEST_P(TransportProcesses, ABroadcastDoesNotWaitForAStoppedWorker) {
  ServerOfTwo run(id(), {"echo"});
  run.victim().stop();
  const Bytes data = pattern(8 << 20, 1);
  for (int i = 0; i < 3; ++i) {
    run.server().broadcast(message(data), soon());
    EXPECT_TRUE(same_bytes(run.server().receive(member(1), soon()), data));
  }
  run.victim().go_on();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_bytes(run.server().receive(member(0), soon()), data));
}

TEST_P(TransportProcesses, SendingToAStoppedWorkerKeepsItsDeadline) {
  ServerOfTwo run(id(), {"hang"});
  run.victim().stop();
  const Bytes data = pattern(large, 1);
  const double took = seconds_of([&] {
    Outcome sent;
    for (int i = 0; i < 5 && sent.status == TPC_OK; ++i)
      sent = outcome_of([&] { run.server().send(member(0), message(data), in(0.5)); });
    expect_failure(sent, TPC_TIMEOUT, "worker 0");
  });
  EXPECT_LT(took, 20);
  run.expect_other_unharmed();
}

TEST_P(TransportProcesses, CloseKeepsItsDeadlineThoughAWorkerIsStopped) {
  ServerOfTwo run(id(), {"hang"});
  run.victim().stop();
  run.server().send(member(0), message(pattern(20 << 20, 1)), soon());
  EXPECT_LT(seconds_of([&] { outcome_of([&] { run.server().close(in(0.5)); }); }), 15);
}

// ---- the server is killed or stopped

/// A worker of this process whose server is another, which follows a script.
struct WorkerOfOne {
  WorkerOfOne(const std::string& id, std::vector<std::string> steps)
      : server(id, 1, "server", "-", with_join(steps)), worker(id, 1, 0) {
    worker->open(server.address(), soon());
    worker->join(soon());
    server.await_step(steps.front());
  }
  static std::vector<std::string> with_join(std::vector<std::string> steps) {
    steps.insert(steps.begin(), {"open", "join"});
    return steps;
  }
  void expect_lost() {
    expect_failure(outcome_of([&] { worker->receive(the_server, soon()); }), TPC_CLOSED, "server");
    expect_failure(outcome_of([&] { worker->send(the_server, message({}), soon()); }), TPC_CLOSED, "server");
    EXPECT_EQ(outcome_of([&] { worker->close(soon()); }).status, TPC_OK);
  }
  PeerProcess server;
  Member worker;
};

TEST_P(TransportProcesses, AServerKilledWhileAWorkerWaitsIsLost) {
  WorkerOfOne run(id(), {"hang"});
  expect_failure(outcome_while([&] { run.worker->receive(the_server, soon()); }, [&] { run.server.kill(); }),
                 TPC_CLOSED, "server");
  run.expect_lost();
}

TEST_P(TransportProcesses, AServerKilledInTheMiddleOfItsMessageIsLost) {
  WorkerOfOne run(id(), {"send=" + std::to_string(large), "receive"});
  let_it_block();
  run.server.kill();
  run.expect_lost();
}

TEST_P(TransportProcesses, AServerKilledWhileAWorkerSendsIsLost) {
  WorkerOfOne run(id(), {"hang"});
  const Bytes data = pattern(large, 1);
  const Outcome sent =
      outcome_while([&] { run.worker->send(the_server, message(data), soon()); }, [&] { run.server.kill(); });
  if (sent.status != TPC_OK) expect_failure(sent, TPC_CLOSED, "server");
  run.expect_lost();
}

TEST_P(TransportProcesses, AServerKilledBeforeItTakesAWorkerInIsMissed) {
  PeerProcess server(id(), 2, "server", "-", {"open", "hang", "join"});
  server.await_step("hang");
  const std::string said = server.wait_for_stderr("address ", 60);
  const std::size_t begin = said.find("address ") + 8;
  Member worker(id(), 2, 0);
  worker->open(said.substr(begin, said.find('\n', begin) - begin), soon());
  const double took = seconds_of([&] {
    const Outcome join = outcome_while([&] { worker->join(in(2)); }, [&] { server.kill(); });
    EXPECT_TRUE(join.status == TPC_CLOSED || join.status == TPC_TIMEOUT) << join;
    EXPECT_NE(join.text.find("server"), std::string::npos) << join;
  });
  EXPECT_LT(took, 15);
}

TEST_P(TransportProcesses, AStoppedServerIsATimeoutAndMayGoOn) {
  WorkerOfOne run(id(), {"echo"});
  run.server.stop();
  run.worker->send(the_server, message(pattern(3000, 1)), soon());
  expect_timely([&] { run.worker->receive(the_server, in(0.5)); }, 0.5, "server");
  run.server.go_on();
  EXPECT_TRUE(same_bytes(run.worker->receive(the_server, soon()), pattern(3000, 1)));
}

// ---- what is left

std::size_t open_files() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

std::size_t lines_of(const std::string& file, const std::string& with) {
  std::ifstream in(file);
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) count += line.find(with) != std::string::npos;
  return count;
}

std::size_t names_in_shared_memory() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
    count += entry.path().filename().string().find("threepc") != std::string::npos;
  return count;
}

TEST_P(TransportProcesses, NothingIsLeftOfThoseWhoWereKilled) {
  const std::size_t files = open_files();
  std::string address;
  {
    ServerOfTwo run(id(), {"send=" + std::to_string(large), "receive"});
    address = run.server().address();
    run.victim().kill();
    run.expect_lost();
  }
  {
    WorkerOfOne run(id(), {"hang"});
    run.server.kill();
    run.expect_lost();
  }
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(lines_of("/proc/self/maps", "memfd:threepc"), 0u);
  EXPECT_EQ(lines_of("/proc/net/unix", "threepc-shm/" + address), 0u);
  EXPECT_EQ(names_in_shared_memory(), 0u);
}

}  // namespace
}  // namespace transport_test
