// The tcp server in a crowd of strangers: members come first, and who belongs to the run gets in.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <ctime>

#include "contract.hpp"
#include "raw_peer.hpp"
#include "tcp/gate.hpp"

namespace transport_test {
namespace {

using threepc::tcp::Gate;
using threepc::tcp::Refusal;
using threepc::tcp::to_frame;
using threepc::tcp::Turn;

// ---- the gate

void burn(double seconds) {
  for (const std::clock_t end = std::clock() + static_cast<std::clock_t>(seconds * CLOCKS_PER_SEC); std::clock() < end;)
    continue;
}

TEST(TcpGate, GivesStrangersATenthOfTheTime) {
  boost::asio::io_context io;
  Gate gate(io);
  int done = 0;
  const double begin = now_seconds();
  for (int i = 0; i < 30; ++i) gate.enter([&] { burn(2e-3), ++done; });
  while (done < 30) io.run_one();
  // 60 ms of work; the first may be done at once.
  EXPECT_GT(now_seconds() - begin, 0.3);
}

TEST(TcpGate, IsNoHindranceWhileMembersStillHaveToCome) {
  boost::asio::io_context io;
  Gate gate(io);
  gate.open(true);
  int done = 0;
  for (int i = 0; i < 30; ++i) gate.enter([&] { burn(2e-3), ++done; });
  EXPECT_EQ(done, 30);
}

TEST(TcpGate, LetsThoseFirstThroughWhoHaveDoneNothingWrong) {
  boost::asio::io_context io;
  Gate gate(io);
  std::string order;
  gate.enter([&] {
    gate.enter([&] { order += 'b'; }, Turn::last);
    gate.enter([&] { order += 'a'; }, Turn::first);
  });
  while (order.size() < 2) io.run_one();
  EXPECT_EQ(order, "ab");
}

TEST(TcpGate, ForgetsWhatWaitsWhenItIsCleared) {
  boost::asio::io_context io;
  Gate gate(io);
  int done = 0;
  for (int i = 0; i < 10; ++i) gate.enter([&] { burn(3e-3), ++done; });
  gate.clear();
  const int before = done;
  gate.open(true);
  io.run();
  EXPECT_EQ(done, before);
}

// ---- who makes room

/// All of them have come, and most have said nothing, before the server looks for the first time.
TEST(TcpCrowd, NobodyWhoHasSpokenMakesRoom) {
  constexpr std::uint32_t many = 150;
  Member server = opened_server("tcp", many);
  std::vector<RawPeer> silent, workers;
  for (std::uint32_t rank = 0; rank < many; ++rank) {
    silent.emplace_back(server->address());
    workers.emplace_back(server->address()).send(RawPeer::join_frame(rank, many));
    silent.emplace_back(server->address());
  }
  EXPECT_EQ(outcome_of([&] { server->join(soon()); }).status, TPC_OK);
  EXPECT_TRUE(silent.front().is_thrown_out());
}

TEST(TcpCrowd, WhoMakesRoomIsToldToComeAgain) {
  Member server = opened_server("tcp", 1);
  std::vector<RawPeer> silent;
  for (int i = 0; i < 200; ++i) silent.emplace_back(server->address());
  EXPECT_EQ(outcome_of([&] { server->join(in(0.5)); }).status, TPC_TIMEOUT);
  const auto said = silent.front().read_frame();
  ASSERT_TRUE(said && said->header.kind == FrameKind::reject);
  EXPECT_EQ(threepc::tcp::read_reject(said->payload).refusal, Refusal::come_again);
}

TEST(TcpCrowd, AWorkerThatMadeRoomComesAgain) {
  const RawListener listener;
  Member worker("tcp", 1, 0);
  worker->open(listener.address(), soon());
  in_parallel({[&] { worker->join(soon()); },
               [&] {
                 for (int i = 0; i < 3; ++i) {
                   RawPeer peer = listener.accept();
                   EXPECT_TRUE(peer.read_frame().has_value());
                   peer.send(to_frame({FrameKind::reject}, threepc::tcp::to_reject(Refusal::come_again, "busy")));
                 }
                 RawPeer peer = listener.accept();
                 EXPECT_TRUE(peer.read_frame().has_value());
                 peer.send(to_frame({FrameKind::accept}, {}));
                 let_it_block();
               }});
}

TEST(TcpCrowd, AWorkerThatNeverGetsInSaysSoAtTheDeadline) {
  const RawListener listener;
  Member worker("tcp", 1, 0);
  worker->open(listener.address(), soon());
  std::atomic<bool> over{false};
  in_parallel({[&] {
                 expect_failure(outcome_of([&] { worker->join(in(1)); }), TPC_INVALID_ARGUMENT, "busy");
                 over = true;
                 RawPeer last(listener.address());  // lets the other side see it
                 last.send(RawPeer::join_frame(0, 1));
               },
               [&] {
                 while (!over) {
                   RawPeer peer = listener.accept();
                   if (peer.read_frame())
                     peer.send(to_frame({FrameKind::reject}, threepc::tcp::to_reject(Refusal::come_again, "busy")));
                 }
               }});
}

}  // namespace
}  // namespace transport_test
