// What tpc_transport promises, of every transport alike.
#include <atomic>
#include <chrono>
#include <latch>

#include "members.hpp"

namespace transport_test {
namespace {

struct Case {
  std::string id;
  bool has_wire;  // its bytes cross a network, so wire counters run
};

const Case all_transports[] = {{"inproc", false}, {"shm", true}, {"tcp", true}};

std::string name_of(const Case& which) { return which.id; }

/// Gives the other thread time to be inside its call. Only ever makes a test see more, never fail.
void let_it_block() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

// ---- for one, three and sixteen workers, each in a thread of its own

class TransportStar : public testing::TestWithParam<std::tuple<Case, std::uint32_t>> {
 protected:
  std::string id() const { return std::get<0>(GetParam()).id; }
  bool has_wire() const { return std::get<0>(GetParam()).has_wire; }
  std::uint32_t workers() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(All, TransportStar,
                         testing::Combine(testing::ValuesIn(all_transports), testing::Values(1u, 3u, 16u)),
                         [](const auto& which) {
                           return name_of(std::get<0>(which.param)) + "_" + std::to_string(std::get<1>(which.param));
                         });

constexpr std::uint64_t rounds = 100;

std::size_t size_in(std::uint64_t round, std::uint32_t rank) { return (round * 37 + rank * 11) % 700; }
std::uint64_t salt_of(std::uint64_t round, std::uint32_t rank) { return round * 1000 + rank; }

void send_all(Transport& from, std::uint32_t to, std::uint32_t rank) {
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const Bytes data = pattern(size_in(round, rank), salt_of(round, rank));
    from.send(to, message(data, rank + 7, round << 33), soon());
  }
}

void expect_next(Transport& at, std::uint32_t from, std::uint64_t round, std::uint32_t rank) {
  const tpc_message got = at.receive(from, soon());
  EXPECT_EQ(got.type, rank + 7);
  EXPECT_EQ(got.round, round << 33);
  EXPECT_TRUE(same_bytes(got, pattern(size_in(round, rank), salt_of(round, rank)))) << "round " << round;
}

TEST_P(TransportStar, MessagesArriveInOrderWithTypeAndRound) {
  Star star(id(), workers());
  star.run_and_close(
      [&](Transport& server) {
        for (std::uint32_t rank = 0; rank < workers(); ++rank) send_all(server, member(rank), rank);
        for (std::uint64_t round = 0; round < rounds; ++round)
          for (std::uint32_t rank = 0; rank < workers(); ++rank) expect_next(server, member(rank), round, rank);
      },
      [&](Transport& worker, std::uint32_t rank) {
        send_all(worker, the_server, rank);
        for (std::uint64_t round = 0; round < rounds; ++round) expect_next(worker, the_server, round, rank);
      });
}

TEST_P(TransportStar, BroadcastReachesEveryWorkerInOrderWithSends) {
  Star star(id(), workers());
  const auto of_round = [](std::uint64_t round) { return pattern(round * 3000, round); };
  star.run_and_close(
      [&](Transport& server) {
        for (std::uint64_t round = 0; round < 20; ++round) {
          const Bytes shared = of_round(round);
          server.broadcast(message(shared, 1, round), soon());
          for (std::uint32_t rank = 0; rank < workers(); ++rank)
            server.send(member(rank), message({}, 2, rank), soon());
          for (std::uint32_t rank = 0; rank < workers(); ++rank)
            EXPECT_EQ(server.receive(member(rank), soon()).round, round);
        }
      },
      [&](Transport& worker, std::uint32_t rank) {
        for (std::uint64_t round = 0; round < 20; ++round) {
          const tpc_message shared = worker.receive(the_server, soon());
          EXPECT_EQ(shared.type, 1u);
          EXPECT_EQ(shared.round, round);
          EXPECT_TRUE(same_bytes(shared, of_round(round)));
          const tpc_message own = worker.receive(the_server, soon());
          EXPECT_EQ(own.type, 2u);
          EXPECT_EQ(own.round, rank);
          worker.send(the_server, message({}, 3, round), soon());
        }
      });
}

TEST_P(TransportStar, CountsAgreeOnBothEnds) {
  Star star(id(), workers());
  const Bytes down = pattern(1000, 1), up = pattern(77, 2);
  star.run_and_close(
      [&](Transport& server) {
        for (int i = 0; i < 10; ++i) server.broadcast(message(down), soon());
        for (std::uint32_t rank = 0; rank < workers(); ++rank)
          for (int i = 0; i < 10; ++i) server.receive(member(rank), soon());
      },
      [&](Transport& worker, std::uint32_t) {
        for (int i = 0; i < 10; ++i) worker.send(the_server, message(up), soon());
        for (int i = 0; i < 10; ++i) worker.receive(the_server, soon());
      });
  const tpc_traffic server = star.server().traffic();
  EXPECT_EQ(server.payload_sent, 10 * 1000 * workers());
  EXPECT_EQ(server.payload_received, 10 * 77 * workers());
  tpc_traffic all{};
  for (std::uint32_t rank = 0; rank < workers(); ++rank) {
    const tpc_traffic one = star.worker(rank).traffic();
    EXPECT_EQ(one.payload_sent, 10 * 77u);
    EXPECT_EQ(one.payload_received, 10 * 1000u);
    all.wire_sent += one.wire_sent;
    all.wire_received += one.wire_received;
  }
  EXPECT_EQ(server.wire_sent, all.wire_received);
  EXPECT_EQ(server.wire_received, all.wire_sent);
  EXPECT_EQ(server.wire_sent > server.payload_sent, has_wire());
  EXPECT_EQ(server.wire_sent == 0 && server.wire_received == 0, !has_wire());
}

// ---- with as many workers as the promise needs

class TransportContract : public testing::TestWithParam<Case> {
 protected:
  std::string id() const { return GetParam().id; }
};

INSTANTIATE_TEST_SUITE_P(All, TransportContract, testing::ValuesIn(all_transports),
                         [](const auto& which) { return name_of(which.param); });

TEST_P(TransportContract, EverySizeArrivesBothWays) {
  Star star(id(), 1);
  const auto exchange = [](Transport& self, std::uint32_t peer, std::uint64_t own, std::uint64_t others) {
    for (const std::size_t size : {0ul, 1ul, 3ul, 1021ul, 65535ul, (1ul << 20) - 1, 1ul << 20, 1ul << 26}) {
      const Bytes data = pattern(size, own);
      self.send(peer, message(data), soon());
      EXPECT_TRUE(same_bytes(self.receive(peer, soon()), pattern(size, others))) << size;
    }
  };
  star.run_and_close([&](Transport& server) { exchange(server, member(0), 1, 2); },
                     [&](Transport& worker, std::uint32_t) { exchange(worker, the_server, 2, 1); });
}

TEST_P(TransportContract, TheSenderMayReuseItsBuffer) {
  Star star(id(), 1);
  const Bytes original = pattern(1 << 20, 1);
  star.run_and_close(
      [&](Transport& server) {
        Bytes data = original;
        for (int i = 0; i < 4; ++i) {
          server.send(member(0), message(data), soon());
          std::fill(data.begin(), data.end(), std::uint8_t{0xEE});
          data = original;
        }
        server.receive(member(0), soon());
      },
      [&](Transport& worker, std::uint32_t) {
        for (int i = 0; i < 4; ++i) EXPECT_TRUE(same_bytes(worker.receive(the_server, soon()), original));
        worker.send(the_server, message({}), soon());
      });
}

TEST_P(TransportContract, ReceivedDataLastsUntilTheNextReceiveFromTheSameMember) {
  Star star(id(), 3);
  star.run_and_close(
      [&](Transport& server) {
        std::vector<tpc_message> held;
        for (std::uint32_t rank = 0; rank < 3; ++rank) held.push_back(server.receive(member(rank), soon()));
        server.broadcast(message(pattern(5000, 9)), soon());
        EXPECT_EQ(outcome_of([&] { server.receive(member(0), in(0.05)); }).status, TPC_TIMEOUT);
        for (std::uint32_t rank = 1; rank < 3; ++rank) EXPECT_TRUE(same_bytes(held[rank], pattern(3000, rank)));
        server.broadcast(message({}), soon());
      },
      [&](Transport& worker, std::uint32_t rank) {
        worker.send(the_server, message(pattern(3000, rank)), soon());
        worker.receive(the_server, soon());
        worker.receive(the_server, soon());
      });
}

TEST_P(TransportContract, BothSidesMaySendMuchBeforeTheyReceive) {
  Star star(id(), 1);
  const Bytes down = pattern(4 << 20, 1), up = pattern(4 << 20, 2);
  const auto exchange = [](Transport& self, std::uint32_t peer, const Bytes& out, const Bytes& expected) {
    for (int i = 0; i < 12; ++i) self.send(peer, message(out), soon());
    for (int i = 0; i < 12; ++i) EXPECT_TRUE(same_bytes(self.receive(peer, soon()), expected));
  };
  star.run_and_close([&](Transport& server) { exchange(server, member(0), down, up); },
                     [&](Transport& worker, std::uint32_t) { exchange(worker, the_server, up, down); });
}

TEST_P(TransportContract, TwoRunsInOneProcessAreApart) {
  Star first(id(), 2), second(id(), 2);
  first.server().broadcast(message(pattern(10, 1)), soon());
  second.server().broadcast(message(pattern(10, 2)), soon());
  EXPECT_TRUE(same_bytes(second.worker(1).receive(the_server, soon()), pattern(10, 2)));
  EXPECT_TRUE(same_bytes(first.worker(1).receive(the_server, soon()), pattern(10, 1)));
  first.close();
  second.close();
}

// ---- deadlines

void expect_timely(const std::function<void()>& call, double seconds, const std::string& names) {
  const double begin = now_seconds();
  const Outcome outcome = outcome_of(call);
  const double took = now_seconds() - begin;
  expect_failure(outcome, TPC_TIMEOUT, names);
  EXPECT_GE(took, seconds);
  EXPECT_LT(took, seconds + 10);
}

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

// ---- the end of a connection

constexpr std::uint64_t farewell = 50;

void send_and_close(Transport& self, std::uint32_t peer) {
  for (std::uint64_t round = 0; round < farewell; ++round)
    self.send(peer, message(pattern(5000, round), 1, round), soon());
  self.close(soon());
}

void drain_then_closed(Transport& self, std::uint32_t peer, const std::string& name) {
  for (std::uint64_t round = 0; round < farewell; ++round) {
    const tpc_message got = self.receive(peer, soon());
    EXPECT_EQ(got.round, round);
    EXPECT_TRUE(same_bytes(got, pattern(5000, round)));
  }
  for (int i = 0; i < 2; ++i) expect_failure(outcome_of([&] { self.receive(peer, soon()); }), TPC_CLOSED, name);
}

TEST_P(TransportContract, WhatAWorkerSentBeforeItClosedIsDelivered) {
  Star star(id(), 2);
  star.run(
      [](Transport& server) {
        let_it_block();
        for (std::uint32_t rank : {1u, 0u}) drain_then_closed(server, member(rank), "worker " + std::to_string(rank));
        server.close(soon());
      },
      [](Transport& worker, std::uint32_t) { send_and_close(worker, the_server); });
}

TEST_P(TransportContract, WhatTheServerSentBeforeItClosedIsDelivered) {
  Star star(id(), 2);
  star.run(
      [](Transport& server) {
        for (std::uint64_t round = 0; round < farewell; ++round)
          server.broadcast(message(pattern(5000, round), 1, round), soon());
        server.close(soon());
      },
      [](Transport& worker, std::uint32_t) {
        let_it_block();
        drain_then_closed(worker, the_server, "server");
        worker.close(soon());
      });
}

TEST_P(TransportContract, ALargeMessageIsDeliveredBeforeClose) {
  Star star(id(), 1);
  const Bytes data = pattern(40 << 20, 3);
  star.run(
      [&](Transport& server) {
        let_it_block();
        EXPECT_TRUE(same_bytes(server.receive(member(0), soon()), data));
        server.close(soon());
      },
      [&](Transport& worker, std::uint32_t) {
        worker.send(the_server, message(data), soon());
        worker.close(soon());
      });
}

TEST_P(TransportContract, CloseIsCleanThoughMuchIsUnread) {
  Star star(id(), 1);
  const Bytes data = pattern(4 << 20, 1);
  std::latch filled(2);
  const auto fill = [&](Transport& self, std::uint32_t peer) {
    for (int i = 0; i < 100; ++i) self.send(peer, message({}), soon());
    for (int i = 0; i < 15; ++i) self.send(peer, message(data), soon());
    self.receive(peer, soon());  // what has arrived fills the receiver's queue
    filled.arrive_and_wait();
    self.close(in(20));
  };
  star.run([&](Transport& server) { fill(server, member(0)); },
           [&](Transport& worker, std::uint32_t) { fill(worker, the_server); });
}

TEST_P(TransportContract, AfterCloseCallsAreClosed) {
  Star star(id(), 1);
  star.close();
  const Bytes data = pattern(5, 0);
  EXPECT_EQ(outcome_of([&] { star.server().send(member(0), message(data), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { star.server().receive(member(0), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { star.worker(0).send(the_server, message(data), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { star.worker(0).receive(the_server, soon()); }).status, TPC_CLOSED);
  star.server().cancel();
}

TEST_P(TransportContract, AWorkerDestroyedWithoutCloseIsNoticedAndHarmsNobodyElse) {
  Star star(id(), 2);
  star.destroy_worker(0);
  expect_failure(outcome_of([&] { star.server().receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
  expect_failure(outcome_of([&] { star.server().send(member(0), message({}), soon()); }), TPC_CLOSED, "worker 0");
  in_parallel({[&] {
                 star.server().send(member(1), message(pattern(9, 1)), soon());
                 EXPECT_TRUE(same_bytes(star.server().receive(member(1), soon()), pattern(9, 2)));
                 star.server().close(soon());
               },
               [&] {
                 EXPECT_TRUE(same_bytes(star.worker(1).receive(the_server, soon()), pattern(9, 1)));
                 star.worker(1).send(the_server, message(pattern(9, 2)), soon());
                 star.worker(1).close(soon());
               }});
}

TEST_P(TransportContract, AServerDestroyedWithoutCloseIsNoticed) {
  Star star(id(), 3);
  star.destroy_server();
  for (std::uint32_t rank = 0; rank < 3; ++rank) {
    expect_failure(outcome_of([&] { star.worker(rank).receive(the_server, soon()); }), TPC_CLOSED, "server");
    expect_failure(outcome_of([&] { star.worker(rank).send(the_server, message({}), soon()); }), TPC_CLOSED, "server");
    star.worker(rank).close(soon());
  }
}

TEST_P(TransportContract, DestructionWakesThePeerThatWaits) {
  Star star(id(), 1);
  in_parallel(
      {[&] { expect_failure(outcome_of([&] { star.server().receive(member(0), soon()); }), TPC_CLOSED, "worker 0"); },
       [&] { let_it_block(), star.destroy_worker(0); }});
}

// ---- joining

/// Opens and joins; a transport may refuse in either.
Outcome enter(Member& worker, const std::string& address, std::int64_t deadline) {
  return outcome_of([&] {
    worker->open(address, deadline);
    worker->join(deadline);
  });
}

/// A server of two waits while `intruder` is refused; then the rightful two join.
void expect_refused(const std::string& id, Member& intruder, const std::string& names) {
  Member server = opened_server(id, 2);
  Member first(id, 2, 0), second(id, 2, 1);
  in_parallel({[&] { server->join(soon()); },
               [&] {
                 EXPECT_EQ(enter(first, server->address(), soon()).status, TPC_OK);
                 expect_failure(enter(intruder, server->address(), soon()), TPC_INVALID_ARGUMENT, names);
                 EXPECT_EQ(enter(second, server->address(), soon()).status, TPC_OK);
               }});
  in_parallel({[&] {
                 EXPECT_EQ(server->receive(member(0), soon()).size, 6u);
                 server->close(soon());
               },
               [&] { first->send(the_server, message(pattern(6, 0)), soon()), first->close(soon()); },
               [&] { second->close(soon()); }});
}

TEST_P(TransportContract, ARankOutOfRangeIsRefused) {
  Member intruder(id(), 2, 2);
  expect_refused(id(), intruder, "rank 2");
}

TEST_P(TransportContract, ARankThatIsTakenIsRefused) {
  Member intruder(id(), 2, 0);
  expect_refused(id(), intruder, "rank 0");
}

TEST_P(TransportContract, AWorkerOfAnotherRunIsRefused) {
  Member intruder(id(), 3, 1);
  expect_refused(id(), intruder, "3");
}

TEST_P(TransportContract, AWorkerWithoutServerFails) {
  std::string address;
  {
    Member server = opened_server(id(), 1);
    address = server->address();
  }
  Member worker(id(), 1, 0);
  const double begin = now_seconds();
  const Outcome outcome = enter(worker, address, in(0.3));
  EXPECT_TRUE(outcome.status == TPC_TIMEOUT || outcome.status == TPC_CLOSED) << outcome;
  EXPECT_NE(outcome.text.find(address), std::string::npos) << outcome;
  EXPECT_LT(now_seconds() - begin, 10);
}

TEST_P(TransportContract, AMemberThatHasNotJoinedIsClosed) {
  const Bytes data = pattern(5, 0);
  Member server(id(), 1, TPC_SERVER), worker(id(), 1, 0);
  EXPECT_EQ(outcome_of([&] { server->send(member(0), message(data), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { server->receive(member(0), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { worker->send(the_server, message(data), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { worker->receive(the_server, soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { worker->close(soon()); }).status, TPC_OK);
}

TEST_P(TransportContract, OnlyTheStarIsConnected) {
  Star star(id(), 2);
  const Bytes data = pattern(5, 0);
  const auto unsupported = [&](Transport& self, std::uint32_t peer) {
    EXPECT_EQ(outcome_of([&] { self.send(peer, message(data), soon()); }).status, TPC_UNSUPPORTED);
    EXPECT_EQ(outcome_of([&] { self.receive(peer, soon()); }).status, TPC_UNSUPPORTED);
  };
  unsupported(star.worker(0), member(1));
  unsupported(star.worker(0), member(0));
  unsupported(star.server(), the_server);
  unsupported(star.server(), member(2));
  unsupported(star.server(), UINT32_MAX);
  EXPECT_EQ(outcome_of([&] { star.worker(0).broadcast(message(data), soon()); }).status, TPC_UNSUPPORTED);
  star.close();
}

}  // namespace
}  // namespace transport_test
