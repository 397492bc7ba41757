// How a connection ends.
#include <latch>

#include "contract.hpp"

namespace transport_test {
namespace {

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

}  // namespace
}  // namespace transport_test
