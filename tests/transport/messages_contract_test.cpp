// What arrives, and in what order.
#include <cstdlib>
#include <fstream>

#include "contract.hpp"

namespace transport_test {
namespace {

/// Why a test that moves so many bytes, or needs so much memory, must not run here; "" if it may.
std::string obstacle(std::size_t memory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "too slow under a sanitizer";
#endif
  std::ifstream file("/proc/meminfo");
  std::size_t available = 0;
  for (std::string key; file >> key; file.ignore(1000, '\n'))
    if (key == "MemAvailable:") file >> available;
  return available * 1024 >= memory ? "" : "only " + std::to_string(available >> 20) + " GiB of memory are available";
}

/// One message of `size` bytes, first up, then down.
void expect_large_message(const std::string& id, std::size_t size) {
  Star star(id, 1);
  const Bytes data = pattern(size, 1);
  const std::int64_t deadline = in(250);
  star.run_and_close(
      [&](Transport& server) {
        const bool same = same_bytes(server.receive(member(0), deadline), data);
        EXPECT_TRUE(same);
        server.send(member(0), message(data, 7, 8), deadline);
      },
      [&](Transport& worker, std::uint32_t) {
        worker.send(the_server, message(data), deadline);
        const tpc_message got = worker.receive(the_server, deadline);
        EXPECT_EQ(got.type, 7u);
        EXPECT_TRUE(same_bytes(got, data));
      });
}

TEST_P(TransportStar, MessagesArriveInOrderWithTypeAndRound) {
  Star star(id(), workers());
  star.run_and_close([&](Transport& server) { talk_as_server(server, workers()); }, talk_as_worker);
}

TEST_P(TransportStar, BroadcastReachesEveryWorkerInOrderWithSends) {
  Star star(id(), workers());
  star.run_and_close([&](Transport& server) { broadcast_as_server(server, workers()); }, broadcast_as_worker);
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

TEST_P(TransportContract, EverySizeArrivesBothWays) {
  Star star(id(), 1);
  star.run_and_close([&](Transport& server) { exchange_sizes(server, member(0), 1, 2); },
                     [&](Transport& worker, std::uint32_t) { exchange_sizes(worker, the_server, 2, 1); });
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
  star.run_and_close([&](Transport& server) { exchange_much(server, member(0), down, up); },
                     [&](Transport& worker, std::uint32_t) { exchange_much(worker, the_server, up, down); });
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

TEST_P(TransportContract, ALargeMessageArrives) {
  if (const std::string why = obstacle(std::size_t{2} << 30); !why.empty()) GTEST_SKIP() << why;
  expect_large_message(id(), std::size_t{200} << 20);
}

/// Lengths that do not fit 32 bits, signed or not.
TEST_P(TransportProcesses, MoreThanTwoGibibytesArrive) {
  if (std::getenv("THREEPC_TEST_LARGE") == nullptr) GTEST_SKIP() << "takes minutes; set THREEPC_TEST_LARGE=1 to run it";
  if (const std::string why = obstacle(std::size_t{13} << 30); !why.empty()) GTEST_SKIP() << why;
  expect_large_message(id(), (std::size_t{1} << 31) + 5);
}

TEST_P(TransportContract, AFastSenderDoesNotOutrunASlowReceiver) {
  Star star(id(), 2);
  const Bytes data = pattern(3 << 20, 4);
  star.run_and_close(
      [&](Transport& server) {
        for (std::uint64_t round = 0; round < 40; ++round) server.broadcast(message(data, 1, round), soon());
      },
      [&](Transport& worker, std::uint32_t rank) {
        for (std::uint64_t round = 0; round < 40; ++round) {
          if (rank == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
          const tpc_message got = worker.receive(the_server, soon());
          EXPECT_EQ(got.round, round);
          EXPECT_TRUE(same_bytes(got, data));
        }
      });
}

}  // namespace
}  // namespace transport_test
