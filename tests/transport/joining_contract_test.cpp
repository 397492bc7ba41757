// Who is taken in.
#include "contract.hpp"

namespace transport_test {
namespace {

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
