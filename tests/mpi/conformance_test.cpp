// What tpc_transport promises, kept by processes: mpirun starts this program several times, and every process runs
// every test, as the member that it is. The tests follow one another in one job, a run of its own each.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "plugin/host_services.hpp"
#include "transport/exchanges.hpp"

namespace transport_test {
namespace {

const threepc::Place& place() {
  static const threepc::Place here = threepc::Transport::place(spec_of("mpi")).value();
  return here;
}

bool is_server() { return place().member == the_server; }
std::uint32_t workers() { return place().members - 1; }
std::uint32_t own_rank() { return place().member - 1; }

/// This process's member of a run of them all, not yet open.
Member own_member(const Values& given = {}) {
  return Member("mpi", workers(), is_server() ? TPC_SERVER : own_rank(), given);
}

Member joined_member(const Values& given = {}) {
  Member self = own_member(given);
  self->open("", soon());
  self->join(soon());
  return self;
}

/// As what this process is, then closes.
void run_and_close(Member& self, const Star::OfServer& of_server, const Star::OfWorker& of_worker) {
  const Outcome outcome = outcome_of([&] {
    is_server() ? of_server(*self) : of_worker(*self, own_rank());
    self->close(soon());
  });
  EXPECT_EQ(outcome.status, TPC_OK) << outcome;
}

void run(const Star::OfServer& of_server, const Star::OfWorker& of_worker, const Values& given = {}) {
  Member self = joined_member(given);
  run_and_close(self, of_server, of_worker);
}

/// Only worker 0 takes part; the others just leave.
void run_pair(const Star::OfServer& of_server, const std::function<void(Transport&)>& of_first,
              const Values& given = {}) {
  run(
      of_server,
      [&](Transport& worker, std::uint32_t rank) {
        if (rank == 0) of_first(worker);
      },
      given);
}

/// Returns when the server has called it too. It leaves a file in the folder that all processes share.
void after_the_server(const std::string& step) {
  const char* folder = std::getenv("THREEPC_TEST_FOLDER");
  ASSERT_NE(folder, nullptr) << "a folder for all processes of this job";
  const std::filesystem::path file = std::filesystem::path(folder) / step;
  if (is_server()) std::ofstream(file).flush();
  for (const std::int64_t deadline = soon(); !std::filesystem::exists(file);) {
    ASSERT_LT(threepc::host_services().now(), deadline) << "the server has not come to '" << step << "'";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

const Values always_tree = {{"tree_from", std::int64_t{0}}};
const Values never_tree = {{"tree_from", std::int64_t{1} << 40}};

TEST(Mpi, MessagesArriveInOrderWithTypeAndRound) {
  run([](Transport& server) { talk_as_server(server, workers()); }, talk_as_worker);
}

TEST(Mpi, BroadcastReachesEveryWorkerInOrderWithSends) {
  for (const Values& given : {Values{}, always_tree, never_tree})
    run([](Transport& server) { broadcast_as_server(server, workers()); }, broadcast_as_worker, given);
}

TEST(Mpi, BroadcastsOfSeveralPartsArriveWhole) {
  const Bytes data = pattern((std::size_t{1} << 26) + 12345, 1);
  for (const Values& given : {always_tree, never_tree})
    run(
        [&](Transport& server) {
          for (std::uint64_t round = 0; round < 2; ++round) server.broadcast(message(data, 0, round), soon());
        },
        [&](Transport& worker, std::uint32_t) {
          for (std::uint64_t round = 0; round < 2; ++round) {
            const tpc_message got = worker.receive(the_server, soon());
            EXPECT_EQ(got.round, round);
            EXPECT_TRUE(same_bytes(got, data)) << round;
          }
        },
        given);
}

TEST(Mpi, EverySizeArrivesBothWays) {
  run_pair([](Transport& server) { exchange_sizes(server, member(0), 1, 2); },
           [](Transport& worker) { exchange_sizes(worker, the_server, 2, 1); });
}

TEST(Mpi, BothSidesMaySendMuchBeforeTheyReceive) {
  const Bytes down = pattern(4 << 20, 1), up = pattern(4 << 20, 2);
  run_pair([&](Transport& server) { exchange_much(server, member(0), down, up); },
           [&](Transport& worker) { exchange_much(worker, the_server, up, down); });
}

TEST(Mpi, MoreThanMayWaitGoesBothWaysWhileBothSend) {
  const Bytes data = pattern(std::size_t{48} << 20, 1);
  const auto exchange = [&](Transport& self, std::uint32_t peer) {
    for (int i = 0; i < 3; ++i) self.send(peer, message(data), soon());
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_bytes(self.receive(peer, soon()), data));
  };
  run_pair([&](Transport& server) { exchange(server, member(0)); },
           [&](Transport& worker) { exchange(worker, the_server); });
}

TEST(Mpi, TheSenderMayReuseItsBuffer) {
  const Bytes original = pattern(1 << 20, 1);
  run_pair(
      [&](Transport& server) {
        for (int i = 0; i < 4; ++i) {
          Bytes data = original;
          server.send(member(0), message(data), soon());
          std::fill(data.begin(), data.end(), std::uint8_t{0xEE});
        }
      },
      [&](Transport& worker) {
        for (int i = 0; i < 4; ++i) EXPECT_TRUE(same_bytes(worker.receive(the_server, soon()), original));
      });
}

/// A worker's counters travel in a run of their own, after the one that they count.
TEST(Mpi, CountsAgreeOnBothEnds) {
  const Bytes down = pattern(1000, 1), up = pattern(77, 2);
  for (const Values& given : {always_tree, never_tree}) {
    Member self = joined_member(given);
    run_and_close(
        self,
        [&](Transport& server) {
          for (int i = 0; i < 10; ++i) server.broadcast(message(down), soon());
          for (std::uint32_t rank = 0; rank < workers(); ++rank)
            for (int i = 0; i < 10; ++i) server.receive(member(rank), soon());
        },
        [&](Transport& worker, std::uint32_t) {
          for (int i = 0; i < 10; ++i) worker.send(the_server, message(up), soon());
          for (int i = 0; i < 10; ++i) worker.receive(the_server, soon());
        });
    const tpc_traffic own = self->traffic();
    run(
        [&](Transport& server) {
          std::uint64_t sent = 0, received = 0;
          for (std::uint32_t rank = 0; rank < workers(); ++rank) {
            tpc_traffic other{};
            std::memcpy(&other, server.receive(member(rank), soon()).data, sizeof other);
            EXPECT_EQ(other.payload_sent, 10 * 77u);
            EXPECT_EQ(other.payload_received, 10 * 1000u);
            sent += other.wire_sent;
            received += other.wire_received;
          }
          EXPECT_EQ(own.payload_sent, 10 * 1000 * workers());
          EXPECT_EQ(own.payload_received, 10 * 77 * workers());
          EXPECT_EQ(own.wire_sent, received);
          EXPECT_EQ(own.wire_received, sent);
          EXPECT_GT(own.wire_sent, own.payload_sent);
        },
        [&](Transport& worker, std::uint32_t) {
          Bytes counters(sizeof own);
          std::memcpy(counters.data(), &own, sizeof own);
          worker.send(the_server, message(counters), soon());
        });
  }
}

TEST(Mpi, ReceivedDataLastsUntilTheNextReceiveFromTheSameMember) {
  run(
      [](Transport& server) {
        std::vector<tpc_message> held;
        for (std::uint32_t rank = 0; rank < workers(); ++rank) held.push_back(server.receive(member(rank), soon()));
        server.broadcast(message(pattern(5000, 9)), soon());
        EXPECT_EQ(outcome_of([&] { server.receive(member(0), in(0.05)); }).status, TPC_TIMEOUT);
        for (std::uint32_t rank = 1; rank < workers(); ++rank) EXPECT_TRUE(same_bytes(held[rank], pattern(3000, rank)));
        server.broadcast(message({}), soon());
      },
      [](Transport& worker, std::uint32_t rank) {
        worker.send(the_server, message(pattern(3000, rank)), soon());
        worker.receive(the_server, soon());
        worker.receive(the_server, soon());
      });
}

// ---- deadlines

TEST(Mpi, ReceiveKeepsItsDeadline) {
  run(
      [](Transport& server) {
        expect_timely([&] { server.receive(member(0), in(0.2)); }, 0.2, "worker 0");
        expect_timely([&] { server.receive(member(0), in(-1)); }, 0, "worker 0");
        expect_timely([&] { server.receive(member(0), 0); }, 0, "worker 0");
        server.broadcast(message({}), INT64_MAX);
        for (std::uint32_t rank = 0; rank < workers(); ++rank)
          EXPECT_EQ(server.receive(member(rank), INT64_MAX).size, 5u);
      },
      [](Transport& worker, std::uint32_t) {
        expect_timely([&] { worker.receive(the_server, in(0.05)); }, 0.05, "server");
        worker.receive(the_server, soon());
        worker.send(the_server, message(pattern(5, 0)), INT64_MAX);
      });
}

TEST(Mpi, AJoinThatTimesOutNamesTheMissingAndMayBeRepeated) {
  Member self = own_member();
  self->open("", soon());
  if (is_server()) expect_timely([&] { self->join(in(0.2)); }, 0.2, workers() == 1 ? "worker 0 has" : "workers 0");
  after_the_server("join");
  self->join(soon());
  self->close(soon());
}

// ---- the end

TEST(Mpi, AMessageBeyondWhatTheHostAllowsIsRefused) {
  Member self = own_member();
  if (is_server()) self->limit(member(0), 1000);
  self->open("", soon());
  self->join(soon());
  run_and_close(
      self,
      [](Transport& server) {
        expect_failure(outcome_of([&] { server.receive(member(0), soon()); }), TPC_CLOSED, "1001 bytes, at most 1000");
      },
      [](Transport& worker, std::uint32_t rank) {
        if (rank == 0) worker.send(the_server, message(pattern(1001, 1)), soon());
      });
}

TEST(Mpi, WhatAWorkerSentBeforeItClosedIsDelivered) {
  Member self = joined_member();
  if (!is_server()) return send_and_close(*self, the_server);
  for (std::uint32_t rank = workers(); rank-- > 0;)
    drain_then_closed(*self, member(rank), "worker " + std::to_string(rank));
  expect_failure(outcome_of([&] { self->send(member(0), message({}), soon()); }), TPC_CLOSED, "worker 0");
  self->broadcast(message({}), soon());
  self->close(soon());
}

TEST(Mpi, WhatTheServerSentBeforeItClosedIsDelivered) {
  for (const Values& given : {always_tree, never_tree}) {
    Member self = joined_member(given);
    if (is_server())
      for (std::uint64_t round = 0; round < farewell; ++round)
        self->broadcast(message(pattern(5000, round), 1, round), soon());
    else
      drain_then_closed(*self, the_server, "server");
    self->close(soon());
  }
}

/// What has not been read yet when a worker closes may still be a broadcast, which needs all of them.
TEST(Mpi, CloseIsCleanThoughMuchIsUnread) {
  const Bytes data = pattern(4 << 20, 1);
  for (const Values& given : {always_tree, never_tree})
    run(
        [&](Transport& server) {
          for (int i = 0; i < 8; ++i) server.broadcast(message(data), soon());
        },
        [&](Transport& worker, std::uint32_t rank) {
          if (rank == 0)
            for (int i = 0; i < 8; ++i) worker.send(the_server, message(data), soon());
        },
        given);
}

TEST(Mpi, CloseKeepsItsDeadlineAndMayBeRepeated) {
  Member self = joined_member();
  if (is_server()) expect_timely([&] { self->close(in(0.2)); }, 0.2, "worker 0");
  after_the_server("close");
  self->close(soon());
}

TEST(Mpi, AfterCloseCallsAreClosed) {
  Member self = joined_member();
  self->close(soon());
  const std::uint32_t peer = is_server() ? member(0) : the_server;
  EXPECT_EQ(outcome_of([&] { self->send(peer, message({}), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self->broadcast(message({}), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self->receive(peer, soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self->join(soon()); }).status, TPC_CLOSED);
}

TEST(Mpi, AMemberDestroyedWithoutCloseIsNoticed) {
  std::optional<Member> self = joined_member();
  if (!is_server() && own_rank() == 0) return self.reset();
  if (is_server()) {
    expect_failure(outcome_of([&] { (*self)->receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
    for (std::uint32_t rank = 1; rank < workers(); ++rank) {
      (*self)->send(member(rank), message(pattern(9, 1)), soon());
      EXPECT_TRUE(same_bytes((*self)->receive(member(rank), soon()), pattern(9, 2)));
    }
  } else {
    EXPECT_TRUE(same_bytes((*self)->receive(the_server, soon()), pattern(9, 1)));
    (*self)->send(the_server, message(pattern(9, 2)), soon());
  }
  (*self)->close(soon());
}

// ---- cancel

void expect_cancelled(Transport& self, std::uint32_t peer) {
  std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    self.cancel();
  });
  for (int i = 0; i < 2; ++i) expect_failure(outcome_of([&] { self.receive(peer, soon()); }), TPC_CLOSED, "cancelled");
  EXPECT_EQ(outcome_of([&] { self.send(peer, message({}), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self.broadcast(message({}), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self.join(soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self.close(soon()); }).status, TPC_CLOSED);
}

TEST(Mpi, CancelFromAnotherThreadEndsTheCallInProgressAndAllLaterOnesOfTheServer) {
  Member self = joined_member();
  if (is_server()) return expect_cancelled(*self, member(0));
  expect_failure(outcome_of([&] { self->receive(the_server, soon()); }), TPC_CLOSED, "the server has left");
}

TEST(Mpi, CancelFromAnotherThreadEndsTheCallInProgressAndAllLaterOnesOfAWorker) {
  Member self = joined_member();
  if (!is_server()) return expect_cancelled(*self, the_server);
  for (std::uint32_t rank = 0; rank < workers(); ++rank)
    expect_failure(outcome_of([&] { self->receive(member(rank), soon()); }), TPC_CLOSED, "has left");
}

TEST(Mpi, CancelBeforeOpenIsNotForgotten) {
  Member self = own_member();
  self->cancel();
  EXPECT_EQ(outcome_of([&] { self->open("", soon()), self->join(in(5)); }).status, TPC_CLOSED);
}

// ---- what cannot be

TEST(Mpi, AMemberOtherThanThisProcessIsRefused) {
  Member other("mpi", workers(), is_server() ? 0 : TPC_SERVER);
  expect_failure(outcome_of([&] { other->open("", soon()); }), TPC_INVALID_ARGUMENT,
                 "this process is rank " + std::to_string(place().member));
  Member more("mpi", workers() + 1, is_server() ? TPC_SERVER : own_rank());
  expect_failure(outcome_of([&] { more->open("", soon()); }), TPC_INVALID_ARGUMENT, "a run of");
}

TEST(Mpi, OneProcessIsNotTwoMembersAtATime) {
  Member self = joined_member(), second = own_member();
  expect_failure(outcome_of([&] { second->open("", soon()); }), TPC_UNSUPPORTED, "already takes part");
  self->close(soon());
}

TEST(Mpi, BeforeOpenEveryCallIsClosed) {
  Member self = own_member();
  const std::uint32_t peer = is_server() ? member(0) : the_server;
  EXPECT_EQ(outcome_of([&] { self->join(soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self->send(peer, message({}), soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self->receive(peer, soon()); }).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { self->broadcast(message({}), soon()); }).status, TPC_CLOSED);
  self->close(soon());
}

TEST(Mpi, AnAddressIsRefused) {
  Member self = own_member();
  expect_failure(outcome_of([&] { self->open("127.0.0.1:5555", soon()); }), TPC_INVALID_ARGUMENT, "no address");
}

/// The last one leaves the job in order, whatever the tests before it did.
TEST(Mpi, TheJobEndsInOrder) {
  Member self = joined_member();
  self->close(soon());
}

}  // namespace
}  // namespace transport_test

/// One report is enough: of the others, only what fails.
int main(int argc, char** argv) {
  if (!transport_test::is_server()) GTEST_FLAG_SET(brief, true);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
