// Every call keeps its deadline, and ends at once when it is cancelled.
#include <chrono>

#include "contract.hpp"

namespace transport_test {
namespace {

TEST_P(TransportContract, ReceiveKeepsItsDeadline) {
  Star star(id(), 2);
  expect_timely([&] { star.server().receive(member(1), in(0.2)); }, 0.2, "worker 1");
  expect_timely([&] { star.worker(0).receive(the_server, in(0.2)); }, 0.2, "server");
  expect_timely([&] { star.server().receive(member(0), in(-1)); }, 0, "worker 0");
  expect_timely([&] { star.server().receive(member(0), 0); }, 0, "worker 0");
  star.run_and_close(
      [](Transport& server) {
        // Of both: a worker that sends after the server has left is told so.
        for (const std::uint32_t worker : {1u, 0u}) EXPECT_EQ(server.receive(member(worker), soon()).size, 5u);
      },
      [](Transport& worker, std::uint32_t) { worker.send(the_server, message(pattern(5, 0)), soon()); });
}

TEST_P(TransportContract, AFarDeadlineDoesNotOverflow) {
  Star star(id(), 1);
  star.run_and_close([](Transport& server) { EXPECT_EQ(server.receive(member(0), INT64_MAX).size, 5u); },
                     [](Transport& worker, std::uint32_t) {
                       let_it_block();
                       worker.send(the_server, message(pattern(5, 0)), INT64_MAX);
                     });
}

TEST_P(TransportContract, AJoinThatTimesOutNamesTheMissingAndMayBeRepeated) {
  Member server = opened_server(id(), 5);
  std::vector<Member> workers;
  for (std::uint32_t rank = 0; rank < 5; ++rank) workers.emplace_back(id(), 5, rank);
  const auto join = [&](std::uint32_t rank) {
    return [&, rank] {
      workers[rank]->open(server->address(), soon());
      workers[rank]->join(soon());
    };
  };
  in_parallel(
      {join(0), join(2), join(4), [&] { expect_timely([&] { server->join(in(3)); }, 3, "workers 1 and 3 have"); }});
  in_parallel({join(1), join(3), [&] { server->join(soon()); }});
}

TEST_P(TransportContract, AJoinNamesTheOnlyOneMissing) {
  Member server = opened_server(id(), 1);
  expect_timely([&] { server->join(in(0.2)); }, 0.2, "worker 0 has");
}

// ---- cancel

TEST_P(TransportContract, CancelEndsAReceiveOfTheServer) {
  Star star(id(), 2);
  in_parallel({[&] { expect_failure(outcome_of([&] { star.server().receive(member(1), soon()); }), TPC_CLOSED, ""); },
               [&] { let_it_block(), star.server().cancel(); }});
}

TEST_P(TransportContract, CancelEndsAReceiveOfAWorker) {
  Star star(id(), 2);
  in_parallel({[&] { expect_failure(outcome_of([&] { star.worker(1).receive(the_server, soon()); }), TPC_CLOSED, ""); },
               [&] { let_it_block(), star.worker(1).cancel(); }});
}

TEST_P(TransportContract, CancelEndsAJoin) {
  Member server = opened_server(id(), 2);
  in_parallel({[&] { expect_failure(outcome_of([&] { server->join(soon()); }), TPC_CLOSED, ""); },
               [&] { let_it_block(), server->cancel(); }});
}

TEST_P(TransportContract, CancelEndsTheJoinOfAWorker) {
  Member server = opened_server(id(), 2);
  Member worker(id(), 2, 0);
  worker->open(server->address(), soon());
  worker->cancel();
  expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_CLOSED, "");
}

TEST_P(TransportContract, AfterCancelEveryCallIsClosed) {
  Star star(id(), 1);
  star.worker(0).send(the_server, message(pattern(5, 0)), soon());
  star.server().send(member(0), message(pattern(5, 0)), soon());
  EXPECT_EQ(star.server().receive(member(0), soon()).size, 5u);
  star.worker(0).send(the_server, message(pattern(5, 0)), soon());
  star.server().cancel();
  star.worker(0).cancel();
  const Bytes data = pattern(5, 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(outcome_of([&] { star.server().send(member(0), message(data), soon()); }).status, TPC_CLOSED);
    EXPECT_EQ(outcome_of([&] { star.server().broadcast(message(data), soon()); }).status, TPC_CLOSED);
    EXPECT_EQ(outcome_of([&] { star.server().receive(member(0), soon()); }).status, TPC_CLOSED);
    EXPECT_EQ(outcome_of([&] { star.server().join(soon()); }).status, TPC_CLOSED);
    EXPECT_EQ(outcome_of([&] { star.worker(0).send(the_server, message(data), soon()); }).status, TPC_CLOSED);
    EXPECT_EQ(outcome_of([&] { star.worker(0).receive(the_server, soon()); }).status, TPC_CLOSED);
  }
  EXPECT_EQ(star.server().traffic().payload_sent, 5u);
}

TEST_P(TransportContract, CancelBeforeOpenIsNotForgotten) {
  Member server(id(), 1, TPC_SERVER);
  server->cancel();
  EXPECT_EQ(outcome_of([&] {
              server->open("", soon());
              server->join(in(5));
            }).status,
            TPC_CLOSED);
}

TEST_P(TransportContract, CancelMayComeAtAnyMoment) {
  for (int i = 0; i < 20; ++i) {
    Star star(id(), 1);
    const auto chat = [](Transport& self, std::uint32_t peer) {
      const Bytes data = pattern(100, 0);
      const Outcome end = outcome_of([&] {
        while (true) {
          self.send(peer, message(data), soon());
          self.receive(peer, soon());
        }
      });
      EXPECT_EQ(end.status, TPC_CLOSED) << end;
    };
    in_parallel({[&] { chat(star.server(), member(0)); }, [&] { chat(star.worker(0), the_server); },
                 [&] {
                   std::this_thread::sleep_for(std::chrono::microseconds(500 * i));
                   star.server().cancel();
                   star.worker(0).cancel();
                 }});
  }
}

// ---- a peer that does not read

/// Sends until the peer takes no more; how many messages were taken.
std::uint64_t fill(Transport& self, std::uint32_t peer, std::int64_t deadline, Outcome& end) {
  const Bytes data = pattern(8 << 20, 1);
  std::uint64_t taken = 0;
  for (; end.status == TPC_OK && taken < 1000; ++taken)
    end = outcome_of([&] { self.send(peer, message(data, 1, taken), deadline); });
  return taken - 1;
}

TEST_P(TransportProcesses, SendKeepsItsDeadlineAndWhatWasTakenArrives) {
  Star star(id(), 2);
  Outcome end;
  const double begin = now_seconds();
  const std::uint64_t taken = fill(star.server(), member(0), in(1), end);
  expect_failure(end, TPC_TIMEOUT, "worker 0");
  EXPECT_LT(now_seconds() - begin, 20);
  EXPECT_LT(taken, 100u) << "memory must not grow without bound";
  star.run_and_close([&](Transport& server) { EXPECT_EQ(server.receive(member(0), soon()).size, 5u); },
                     [&](Transport& worker, std::uint32_t rank) {
                       for (std::uint64_t round = 0; rank == 0 && round < taken; ++round)
                         EXPECT_EQ(worker.receive(the_server, soon()).round, round);
                       if (rank == 0) worker.send(the_server, message(pattern(5, 0)), soon());
                     });
}

TEST_P(TransportProcesses, CloseKeepsItsDeadline) {
  Star star(id(), 1);
  Outcome end;
  fill(star.server(), member(0), in(0.2), end);
  const double begin = now_seconds();
  EXPECT_EQ(outcome_of([&] { star.server().close(in(1)); }).status, TPC_TIMEOUT);
  EXPECT_LT(now_seconds() - begin, 20);
}

TEST_P(TransportProcesses, AJoinWithASilentServerKeepsItsDeadline) {
  Member server = opened_server(id(), 1);
  Member worker(id(), 1, 0);
  worker->open(server->address(), soon());
  expect_timely([&] { worker->join(in(0.5)); }, 0.5, server->address());
}

TEST_P(TransportProcesses, CancelEndsASend) {
  Star star(id(), 1);
  in_parallel({[&] {
                 Outcome end;
                 fill(star.server(), member(0), soon(), end);
                 EXPECT_EQ(end.status, TPC_CLOSED) << end;
               },
               [&] {
                 std::this_thread::sleep_for(std::chrono::milliseconds(300));
                 star.server().cancel();
               }});
}

TEST_P(TransportProcesses, CancelEndsABroadcast) {
  Star star(id(), 2);
  in_parallel({[&] {
                 const Bytes data = pattern(8 << 20, 1);
                 Outcome end;
                 while (end.status == TPC_OK) end = outcome_of([&] { star.server().broadcast(message(data), soon()); });
                 EXPECT_EQ(end.status, TPC_CLOSED) << end;
               },
               [&] {
                 std::this_thread::sleep_for(std::chrono::milliseconds(300));
                 star.server().cancel();
               }});
}

TEST_P(TransportProcesses, CancelEndsAClose) {
  Star star(id(), 1);
  Outcome end;
  fill(star.worker(0), the_server, in(0.2), end);
  in_parallel({[&] { EXPECT_EQ(outcome_of([&] { star.worker(0).close(soon()); }).status, TPC_CLOSED); },
               [&] { let_it_block(), star.worker(0).cancel(); }});
}

TEST_P(TransportProcesses, CancelEndsTheJoinOfAWorkerThatWaits) {
  Member server = opened_server(id(), 1);
  Member worker(id(), 1, 0);
  worker->open(server->address(), soon());
  in_parallel({[&] { EXPECT_EQ(outcome_of([&] { worker->join(soon()); }).status, TPC_CLOSED); },
               [&] { let_it_block(), worker->cancel(); }});
}

}  // namespace
}  // namespace transport_test
