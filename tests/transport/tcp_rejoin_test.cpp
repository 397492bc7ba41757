// Workers of the tcp transport that are lost and come back under their rank.
#include <chrono>

#include "raw_peer.hpp"

namespace transport_test {
namespace {

using threepc::tcp::read_reject;
using threepc::tcp::Refusal;
using threepc::tcp::to_frame;

constexpr std::int64_t at_once = 0;  // a deadline that has passed

Bytes message_frame(const Bytes& data) { return to_frame({FrameKind::message, member(0), 1, 2}, data); }

/// Calls receive with a deadline in the past until it comes to something else than `ordinary`.
Outcome poll_while(tpc_status ordinary, Transport& server, std::uint32_t from) {
  Outcome outcome;
  for (const std::int64_t last = soon(); in(0) < last;) {
    outcome = outcome_of([&] { server.receive(from, at_once); });
    if (outcome.status != ordinary) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return outcome;
}

/// A server of two that have joined: a raw peer as worker 0, and worker 1.
class TcpRejoin : public testing::Test {
 protected:
  TcpRejoin() : server_(opened_server("tcp", 2)) {
    in_parallel({[&] { server_->join(soon()); },
                 [&] {
                   first_.emplace(address()).join(0, 2, 77);
                   other_.emplace(address()).join(1, 2);
                 }});
  }

  std::string address() const { return server_->address(); }
  /// Worker 0 joins again while the server polls it, as the runtime does with a lost worker.
  RawPeer join_again(std::uint64_t instance) {
    RawPeer peer(address());
    peer.send(RawPeer::join_frame(0, 2, instance));
    EXPECT_EQ(poll_while(TPC_CLOSED, *server_, member(0)).status, TPC_TIMEOUT);
    const auto answer = peer.read_frame();
    EXPECT_TRUE(answer && answer->header.kind == FrameKind::accept);
    return peer;
  }

  Member server_;
  std::optional<RawPeer> first_, other_;
};

TEST_F(TcpRejoin, IsSaidOfTheTransport) { EXPECT_NE(spec_of("tcp").descriptor->capabilities & TPC_REJOINS, 0u); }

TEST_F(TcpRejoin, ALostWorkerIsClosedUntilItHasJoinedAgainAndThenHeard) {
  first_->close();
  EXPECT_EQ(poll_while(TPC_TIMEOUT, *server_, member(0)).status, TPC_CLOSED);
  EXPECT_EQ(outcome_of([&] { server_->receive(member(0), at_once); }).status, TPC_CLOSED);
  RawPeer again = join_again(78);
  again.send(message_frame(pattern(11, 1)));
  EXPECT_TRUE(same_bytes(server_->receive(member(0), soon()), pattern(11, 1)));
  server_->send(member(0), message(pattern(12, 1)), soon());
  EXPECT_EQ(outcome_of([&] { server_->receive(member(1), at_once); }).status, TPC_TIMEOUT);
  EXPECT_EQ(again.read_frame()->payload.size(), 12u);
}

TEST_F(TcpRejoin, WhatIsSentToALostWorkerIsDropped) {
  first_->close();
  EXPECT_EQ(poll_while(TPC_TIMEOUT, *server_, member(0)).status, TPC_CLOSED);
  server_->broadcast(message(pattern(5, 1)), soon());
  RawPeer again = join_again(78);
  server_->broadcast(message(pattern(6, 1)), soon());
  EXPECT_EQ(again.read_frame()->payload.size(), 6u);
  for (const std::size_t size : {5u, 6u}) EXPECT_EQ(other_->read_frame()->payload.size(), size);
}

TEST_F(TcpRejoin, TheLossIsToldThoughItWasBackBeforeAnybodyLooked) {
  first_->send(message_frame(pattern(3, 1)));
  first_->close();
  RawPeer again(address());
  again.send(RawPeer::join_frame(0, 2, 78));
  again.send(message_frame(pattern(4, 1)));
  // Whatever the server does meanwhile takes it in.
  EXPECT_EQ(outcome_of([&] { server_->receive(member(1), in(0.5)); }).status, TPC_TIMEOUT);
  EXPECT_EQ(server_->receive(member(0), soon()).size, 3u);
  expect_failure(outcome_of([&] { server_->receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
  EXPECT_EQ(server_->receive(member(0), soon()).size, 4u);
}

TEST_F(TcpRejoin, TheSameInstanceReplacesAConnectionThatSeemsAlive) {
  first_->send(message_frame(pattern(3, 1)));
  RawPeer again(address());
  again.send(RawPeer::join_frame(0, 2, 77));
  EXPECT_EQ(outcome_of([&] { server_->receive(member(1), in(0.5)); }).status, TPC_TIMEOUT);
  EXPECT_TRUE(first_->is_thrown_out());
  EXPECT_EQ(server_->receive(member(0), soon()).size, 3u);
  expect_failure(outcome_of([&] { server_->receive(member(0), soon()); }), TPC_CLOSED, "joined again from 127.0.0.1:");
  again.send(message_frame(pattern(4, 1)));
  EXPECT_EQ(server_->receive(member(0), soon()).size, 4u);
}

TEST_F(TcpRejoin, AnotherInstanceIsRefusedWhileTheRankIsHeld) {
  RawPeer intruder(address());
  intruder.send(RawPeer::join_frame(0, 2, 78));
  EXPECT_EQ(outcome_of([&] { server_->receive(member(1), in(0.5)); }).status, TPC_TIMEOUT);
  const auto answer = intruder.read_frame();
  ASSERT_TRUE(answer && answer->header.kind == FrameKind::reject);
  EXPECT_EQ(read_reject(answer->payload).refusal, Refusal::rank_taken);
  first_->send(message_frame(pattern(3, 1)));
  EXPECT_EQ(server_->receive(member(0), soon()).size, 3u);
}

TEST_F(TcpRejoin, ManyTimes) {
  first_->close();
  for (std::uint64_t round = 0; round < 50; ++round) {
    EXPECT_EQ(poll_while(TPC_TIMEOUT, *server_, member(0)).status, TPC_CLOSED);
    RawPeer again = join_again(100 + round);
    again.send(message_frame(pattern(round, round)));
    EXPECT_TRUE(same_bytes(server_->receive(member(0), soon()), pattern(round, round)));
  }
}

TEST(TcpRejoining, ANewTransportOfTheSameProcessComesBackAtOnce) {
  Star star("tcp", 2);
  for (std::uint32_t round = 0; round < 3; ++round) {
    star.destroy_worker(0);
    EXPECT_EQ(poll_while(TPC_TIMEOUT, star.server(), member(0)).status, TPC_CLOSED);
    Member again("tcp", 2, 0);
    in_parallel({[&] {
                   again->open(star.server().address(), soon());
                   again->join(soon());
                   EXPECT_EQ(again->receive(the_server, soon()).size, 9u);
                   again->send(the_server, message(pattern(8, round)), soon());
                   again->close(soon());
                 },
                 [&] {
                   EXPECT_EQ(poll_while(TPC_CLOSED, star.server(), member(0)).status, TPC_TIMEOUT);
                   star.server().send(member(0), message(pattern(9, 1)), soon());
                   EXPECT_TRUE(same_bytes(star.server().receive(member(0), soon()), pattern(8, round)));
                   EXPECT_EQ(outcome_of([&] { star.server().receive(member(0), soon()); }).status, TPC_CLOSED);
                 }});
  }
}

/// The restarted worker of a host that has vanished without a word: its rank is free when keep-alive has told.
TEST(TcpRejoining, AWorkerWaitsForItsRankAsLongAsTheServerMayNotKnowOfTheLoss) {
  Member server = opened_server("tcp", 1);
  RawPeer silent(server->address());
  Member worker("tcp", 1, 0, {{"keepalive", 10.0}});
  in_parallel({[&] { server->join(soon()); }, [&] { silent.join(0, 1); }});
  in_parallel({[&] {
                 worker->open(server->address(), soon());
                 worker->join(soon());
                 EXPECT_EQ(worker->receive(the_server, soon()).size, 8u);
                 worker->close(soon());
               },
               [&] {
                 EXPECT_EQ(outcome_of([&] { server->receive(member(0), in(1.5)); }).status, TPC_TIMEOUT);
                 silent.close();
                 EXPECT_EQ(outcome_of([&] { server->receive(member(0), soon()); }).status, TPC_CLOSED);
                 EXPECT_EQ(poll_while(TPC_CLOSED, *server, member(0)).status, TPC_TIMEOUT);
                 server->send(member(0), message(pattern(8, 1)), soon());
                 server->close(soon());
               }});
}

}  // namespace
}  // namespace transport_test
