// Workers that are lost and come back under their rank.
#include <atomic>

#include "contract.hpp"

namespace transport_test {
namespace {

constexpr std::int64_t at_once = 0;  // a deadline that has passed

/// Polls as the runtime does with a lost worker, until the outcome is another than `ordinary`.
Outcome poll_while(tpc_status ordinary, Transport& server, std::uint32_t from) {
  Outcome outcome;
  for (const std::int64_t last = soon(); in(0) < last;) {
    outcome = outcome_of([&] { server.receive(from, at_once); });
    if (outcome.status != ordinary) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return outcome;
}

/// A new instance of worker `rank` joins while the server polls it.
Member join_again(const std::string& id, Star& star, std::uint32_t rank) {
  Member again(id, star.workers(), rank);
  again->open(star.server().address(), soon());
  in_parallel({[&] { again->join(soon()); },
               [&] { EXPECT_EQ(poll_while(TPC_CLOSED, star.server(), member(rank)).status, TPC_TIMEOUT); }});
  return again;
}

void expect_exchange(Transport& server, Transport& worker, std::uint32_t rank, std::uint64_t salt) {
  in_parallel({[&] {
                 server.send(member(rank), message(pattern(3000, salt)), soon());
                 EXPECT_TRUE(same_bytes(server.receive(member(rank), soon()), pattern(2000, salt)));
               },
               [&] {
                 EXPECT_TRUE(same_bytes(worker.receive(the_server, soon()), pattern(3000, salt)));
                 worker.send(the_server, message(pattern(2000, salt)), soon());
               }});
}

TEST_P(TransportRejoin, ALostWorkerIsClosedUntilItHasJoinedAgain) {
  Star star(id(), 3);
  star.destroy_worker(1);
  EXPECT_EQ(poll_while(TPC_TIMEOUT, star.server(), member(1)).status, TPC_CLOSED);
  for (int i = 0; i < 3; ++i)
    expect_failure(outcome_of([&] { star.server().receive(member(1), at_once); }), TPC_CLOSED, "worker 1");
  const Member again = join_again(id(), star, 1);
  expect_exchange(star.server(), *again, 1, 5);
  expect_exchange(star.server(), star.worker(0), 0, 6);
}

TEST_P(TransportRejoin, WhatIsSentMeanwhileIsDropped) {
  Star star(id(), 2);
  star.destroy_worker(0);
  EXPECT_EQ(poll_while(TPC_TIMEOUT, star.server(), member(0)).status, TPC_CLOSED);
  star.server().broadcast(message(pattern(7, 7)), soon());
  const Member again = join_again(id(), star, 0);
  expect_exchange(star.server(), *again, 0, 8);
  EXPECT_EQ(star.worker(1).receive(the_server, soon()).size, 7u);
}

TEST_P(TransportRejoin, TheLossIsToldThoughTheWorkerIsBackAtOnce) {
  Star star(id(), 2);
  star.worker(0).send(the_server, message(pattern(11, 0)), soon());
  EXPECT_EQ(star.server().receive(member(0), soon()).size, 11u);
  star.destroy_worker(0);
  Member again(id(), 2, 0);
  again->open(star.server().address(), soon());
  in_parallel({[&] {
                 again->join(soon());
                 again->send(the_server, message(pattern(12, 0)), soon());
               },
               [&] {
                 // What the server does meanwhile lets it in, or makes it wait.
                 EXPECT_EQ(outcome_of([&] { star.server().receive(member(1), in(0.3)); }).status, TPC_TIMEOUT);
                 expect_failure(outcome_of([&] { star.server().receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
                 // Its first message may come with it.
                 const Outcome back = poll_while(TPC_CLOSED, star.server(), member(0));
                 EXPECT_TRUE(back.status == TPC_OK || star.server().receive(member(0), soon()).size == 12) << back;
               }});
}

TEST_P(TransportRejoin, WhatItSentBeforeIsDeliveredFirst) {
  Star star(id(), 1);
  star.worker(0).send(the_server, message(pattern(11, 0)), soon());
  outcome_of([&] { star.worker(0).close(in(0.5)); });  // some wait for the server's goodbye, which does not come
  star.destroy_worker(0);
  EXPECT_EQ(star.server().receive(member(0), soon()).size, 11u);
  expect_failure(outcome_of([&] { star.server().receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
  const Member again = join_again(id(), star, 0);
  expect_exchange(star.server(), *again, 0, 1);
}

TEST_P(TransportRejoin, ARankThatIsHeldIsRefused) {
  Star star(id(), 2);
  Member intruder(id(), 2, 0);
  intruder->open(star.server().address(), soon());
  std::atomic<bool> over{false};  // it may try for a while, because a rank can become free
  in_parallel({[&] {
                 expect_failure(outcome_of([&] { intruder->join(soon()); }), TPC_INVALID_ARGUMENT, "rank 0");
                 over = true;
               },
               [&] {
                 while (!over)
                   EXPECT_EQ(outcome_of([&] { star.server().receive(member(1), in(0.1)); }).status, TPC_TIMEOUT);
               }});
  expect_exchange(star.server(), star.worker(0), 0, 2);
}

TEST_P(TransportRejoin, ManyTimes) {
  Star star(id(), 2);
  star.destroy_worker(0);
  for (std::uint64_t round = 0; round < 30; ++round) {
    EXPECT_EQ(poll_while(TPC_TIMEOUT, star.server(), member(0)).status, TPC_CLOSED);
    const Member again = join_again(id(), star, 0);
    expect_exchange(star.server(), *again, 0, round);
  }
}

}  // namespace
}  // namespace transport_test
