// The tcp transport against what a network brings: strangers, hostile bytes, peers that die or fall silent.
#include <atomic>
#include <chrono>

#include "raw_peer.hpp"

namespace transport_test {
namespace {

using threepc::tcp::FrameHeader;
using threepc::tcp::to_frame;

Values at_port(int port) { return {{"port", std::int64_t{port}}}; }

/// A server of one worker that waits for it; `meanwhile` gets its address. Then the worker joins all the same,
/// and the two exchange a message: nothing that happened has harmed them.
void server_survives(const std::function<void(const std::string& address)>& meanwhile) {
  Member server = opened_server("tcp", 1);
  Member worker("tcp", 1, 0);
  in_parallel({[&] {
                 server->join(soon());
                 EXPECT_EQ(server->receive(member(0), soon()).size, 5u);
                 server->close(soon());
               },
               [&] {
                 meanwhile(server->address());
                 worker->open(server->address(), soon());
                 worker->join(soon());
                 worker->send(the_server, message(pattern(5, 0)), soon());
                 worker->close(soon());
               }});
}

/// A server whose workers are raw sockets that have joined.
struct RawStar {
  explicit RawStar(std::uint32_t workers, const Values& given = {}) : server(opened_server("tcp", workers, given)) {
    in_parallel({[&] { server->join(soon()); },
                 [&] {
                   for (std::uint32_t rank = 0; rank < workers; ++rank) {
                     peers.emplace_back(server->address());
                     peers.back().join(rank, workers);
                   }
                 }});
  }
  Member server;
  std::vector<RawPeer> peers;
};

Bytes message_frame(const Bytes& data) { return to_frame({FrameKind::message, member(0), 1, 2}, data); }

/// A valid JOIN with one byte changed.
Bytes damaged_join(std::size_t at, std::uint8_t value) {
  Bytes bytes = RawPeer::join_frame(0, 1);
  bytes[at] = value;
  return bytes;
}

// ---- addresses

TEST(TcpAddress, APortInUseIsNamed) {
  const RawListener other;
  Member server("tcp", 1, TPC_SERVER, at_port(other.port()));
  expect_failure(outcome_of([&] { server->open("", soon()); }), TPC_INVALID_ARGUMENT, other.address() + " is in use");
}

TEST(TcpAddress, ThePortOfTheSettingIsTaken) {
  int port = 0;
  {
    const RawListener other;
    port = other.port();
  }
  Member server = opened_server("tcp", 1, at_port(port));
  EXPECT_EQ(server->address(), "127.0.0.1:" + std::to_string(port));
}

TEST(TcpAddress, WhatIsNoAddressIsRefused) {
  for (const std::string text : {"nonsense", "127.0.0.1", "127.0.0.1:", ":5555", ":", "127.0.0.1:x", "127.0.0.1:-1",
                                 "127.0.0.1:5555x", "127.0.0.1:65536", "127.0.0.1:99999999999999999999"}) {
    Member server("tcp", 1, TPC_SERVER), worker("tcp", 1, 0);
    expect_failure(outcome_of([&] { server->open(text, soon()); }), TPC_INVALID_ARGUMENT, "'" + text + "'");
    expect_failure(outcome_of([&] { worker->open(text, soon()); }), TPC_INVALID_ARGUMENT, "'" + text + "'");
  }
}

TEST(TcpAddress, AHostThatIsNotHereCannotBeBound) {
  Member server("tcp", 1, TPC_SERVER);
  expect_failure(outcome_of([&] { server->open("192.0.2.1:0", soon()); }), TPC_INVALID_ARGUMENT, "192.0.2.1:0");
}

TEST(TcpAddress, AWorkerNeedsThePort) {
  Member worker("tcp", 1, 0);
  expect_failure(outcome_of([&] { worker->open("", soon()); }), TPC_INVALID_ARGUMENT, "--connect");
}

bool has_ipv6_loopback() {
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return bound;
}

TEST(TcpAddress, IPv6Loopback) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  Star star("tcp", 2, {{"host", std::string("::1")}});
  EXPECT_EQ(star.server().address().rfind("[::1]:", 0), 0u) << star.server().address();
  star.run_and_close([](Transport& server) { EXPECT_EQ(server.receive(member(1), soon()).size, 5u); },
                     [](Transport& worker, std::uint32_t) { worker.send(the_server, message(pattern(5, 0)), soon()); });
}

// ---- a worker and what it finds

/// A free port that nobody listens on.
int silent_port() { return RawListener().port(); }

TEST(TcpWorker, SaysThatNobodyListens) {
  Member worker("tcp", 1, 0);
  const std::string address = "127.0.0.1:" + std::to_string(silent_port());
  worker->open(address, soon());
  const double begin = now_seconds();
  expect_failure(outcome_of([&] { worker->join(in(0.5)); }), TPC_TIMEOUT, "no server answers at " + address);
  EXPECT_GE(now_seconds() - begin, 0.5);
}

TEST(TcpWorker, MayStartBeforeItsServer) {
  const int port = silent_port();
  Member server("tcp", 1, TPC_SERVER, at_port(port)), worker("tcp", 1, 0, at_port(port));
  in_parallel({[&] {
                 worker->open("", soon());
                 worker->join(soon());
                 worker->close(soon());
               },
               [&] {
                 std::this_thread::sleep_for(std::chrono::milliseconds(200));
                 server->open("", soon());
                 server->join(soon());
                 server->close(soon());
               }});
}

TEST(TcpWorker, CancelEndsItsSearch) {
  Member worker("tcp", 1, 0);
  worker->open("127.0.0.1:" + std::to_string(silent_port()), soon());
  in_parallel({[&] { EXPECT_EQ(outcome_of([&] { worker->join(soon()); }).status, TPC_CLOSED); },
               [&] {
                 std::this_thread::sleep_for(std::chrono::milliseconds(50));
                 worker->cancel();
               }});
}

/// What join says when something that is no server of ours answers it with `bytes` and goes.
Outcome join_at_impostor(const Bytes& bytes) {
  const RawListener listener;
  Member worker("tcp", 1, 0);
  worker->open(listener.address(), soon());
  Outcome outcome;
  in_parallel({[&] { outcome = outcome_of([&] { worker->join(soon()); }); },
               [&] {
                 RawPeer peer = listener.accept();
                 EXPECT_TRUE(peer.read_frame().has_value());
                 peer.send(bytes);
               }});
  return outcome;
}

TEST(TcpWorker, TellsWhatAnImpostorSent) {
  Bytes other_version = to_frame({FrameKind::accept}, {});
  other_version[4] = 9;
  expect_failure(join_at_impostor(pattern(100, 1)), TPC_CLOSED, "another protocol");
  expect_failure(join_at_impostor(other_version), TPC_CLOSED, "version 9");
  expect_failure(join_at_impostor(message_frame({})), TPC_CLOSED, "message before");
  expect_failure(join_at_impostor(RawPeer::join_frame(0, 1)), TPC_CLOSED, "unexpected frame");
  expect_failure(join_at_impostor({}), TPC_CLOSED, "closed the connection");
  expect_failure(join_at_impostor(to_frame({FrameKind::reject}, pattern(4096, 1))), TPC_CLOSED, "at most");
}

TEST(TcpWorker, ASilentServerIsATimeOut) {
  const RawListener listener;
  Member worker("tcp", 1, 0);
  worker->open(listener.address(), soon());
  expect_failure(outcome_of([&] { worker->join(in(0.3)); }), TPC_TIMEOUT, "does not answer");
}

TEST(TcpWorker, OneAnswerIsEnough) {
  for (const FrameKind second : {FrameKind::accept, FrameKind::reject, FrameKind::join}) {
    const RawListener listener;
    Member worker("tcp", 1, 0);
    worker->open(listener.address(), soon());
    in_parallel({[&] {
                   worker->join(soon());
                   EXPECT_EQ(worker->receive(the_server, soon()).size, 3u);
                   expect_failure(outcome_of([&] { worker->receive(the_server, soon()); }), TPC_CLOSED,
                                  "the server sent an unexpected frame");
                 },
                 [&] {
                   RawPeer peer = listener.accept();
                   EXPECT_TRUE(peer.read_frame().has_value());
                   peer.send(to_frame({FrameKind::accept}, {}));
                   peer.send(message_frame(pattern(3, 0)));
                   peer.send(to_frame({second}, {}));
                   EXPECT_TRUE(peer.is_thrown_out());
                 }});
  }
}

// ---- strangers at the server's port

struct Stranger {
  std::string name;
  Bytes bytes;
};

std::ostream& operator<<(std::ostream& out, const Stranger& stranger) { return out << stranger.name; }

Bytes half_a_header() {
  Bytes bytes = RawPeer::join_frame(0, 1);
  bytes.resize(20);
  return bytes;
}

/// The last byte of the checksum, flipped.
Bytes join_with_wrong_checksum() {
  Bytes bytes = RawPeer::join_frame(0, 1);
  bytes[39] ^= 0xFF;
  return bytes;
}

class TcpStranger : public testing::TestWithParam<Stranger> {};

INSTANTIATE_TEST_SUITE_P(All, TcpStranger,
                         testing::Values(Stranger{"silent", {}}, Stranger{"half_a_header", half_a_header()},
                                         Stranger{"garbage", pattern(1000, 1)}, Stranger{"web_browser", Bytes(80, 'G')},
                                         Stranger{"length_2_to_the_63", damaged_join(31, 0x80)},
                                         Stranger{"length_of_a_large_message", damaged_join(26, 0x10)},
                                         Stranger{"wrong_version", damaged_join(4, 1)},
                                         Stranger{"unknown_kind", damaged_join(6, 77)},
                                         Stranger{"wrong_checksum", join_with_wrong_checksum()},
                                         Stranger{"message_before_join", message_frame(pattern(10, 1))},
                                         Stranger{"accept", to_frame({FrameKind::accept}, {})},
                                         Stranger{"short_join", to_frame({FrameKind::join}, pattern(7, 1))},
                                         Stranger{"long_join", to_frame({FrameKind::join}, pattern(1000, 1))}),
                         [](const auto& which) { return which.param.name; });

TEST_P(TcpStranger, IsThrownOutAndHarmsNobody) {
  server_survives([&](const std::string& address) {
    RawPeer stranger(address);
    stranger.send(GetParam().bytes);
    EXPECT_TRUE(stranger.is_thrown_out());
  });
}

TEST_P(TcpStranger, MayStayWhileTheWorkerJoins) {
  std::optional<RawPeer> stranger;
  server_survives([&](const std::string& address) { stranger.emplace(address).send(GetParam().bytes); });
}

TEST(TcpStrangers, ComeAndGo) {
  server_survives([](const std::string& address) {
    for (int i = 0; i < 100; ++i) RawPeer(address).send(pattern(static_cast<std::size_t>(i), 1));
  });
}

TEST(TcpStrangers, AreTooManyToKeepWorkersOut) {
  std::vector<RawPeer> strangers;
  server_survives([&](const std::string& address) {
    for (int i = 0; i < 200; ++i) {
      strangers.emplace_back(address);
      EXPECT_TRUE(strangers.back().connected());
    }
  });
}

TEST(TcpStrangers, MayFallSilentDuringARun) {
  Star star("tcp", 1);
  std::vector<RawPeer> strangers;
  for (int i = 0; i < 200; ++i) strangers.emplace_back(star.server().address()).send(pattern(10, 1));
  star.run_and_close([](Transport& server) { EXPECT_EQ(server.receive(member(0), soon()).size, 5u); },
                     [](Transport& worker, std::uint32_t) { worker.send(the_server, message(pattern(5, 0)), soon()); });
}

// ---- refused workers

void expect_rejected(const Bytes& join, const std::vector<std::string>& names) {
  server_survives([&](const std::string& address) {
    RawPeer peer(address);
    peer.send(join);
    const auto answer = peer.read_frame();
    ASSERT_TRUE(answer && answer->header.kind == FrameKind::reject);
    const std::string text(answer->payload.begin(), answer->payload.end());
    for (const auto& name : names) EXPECT_NE(text.find(name), std::string::npos) << text;
    EXPECT_FALSE(peer.read_frame().has_value());
  });
}

TEST(TcpRefusal, NamesBothNumbersOfWorkers) {
  expect_rejected(RawPeer::join_frame(0, 4), {"1 workers", "expects 4"});
  expect_rejected(RawPeer::join_frame(0, UINT32_MAX), {"4294967295"});
}

TEST(TcpRefusal, NamesTheRank) {
  expect_rejected(RawPeer::join_frame(1, 1), {"rank 1 is out of range"});
  expect_rejected(RawPeer::join_frame(UINT32_MAX, 1), {"rank 4294967295 is out of range"});
}

TEST(TcpRefusal, IsFinal) {
  Bytes twice = RawPeer::join_frame(0, 4);
  const Bytes good = RawPeer::join_frame(0, 1);
  twice.insert(twice.end(), good.begin(), good.end());
  expect_rejected(twice, {"expects 4"});
}

// ---- a worker that has joined and then misbehaves

/// `bytes` of worker 0 end its connection for the `reason`; worker 1 goes on.
void expect_only_this_one_ends(const Bytes& bytes, const std::string& reason) {
  RawStar star(2);
  star.peers[0].send(message_frame(pattern(7, 1)));
  star.peers[0].send(bytes);
  EXPECT_EQ(star.server->receive(member(0), soon()).size, 7u);
  expect_failure(outcome_of([&] { star.server->receive(member(0), soon()); }), TPC_CLOSED, "worker 0 " + reason);
  expect_failure(outcome_of([&] { star.server->send(member(0), message({}), soon()); }), TPC_CLOSED, reason);
  EXPECT_TRUE(star.peers[0].is_thrown_out());
  star.peers[1].send(message_frame(pattern(9, 1)));
  EXPECT_TRUE(same_bytes(star.server->receive(member(1), soon()), pattern(9, 1)));
}

TEST(TcpPeer, ACorruptedChecksumEndsOnlyIt) {
  Bytes bytes = message_frame(pattern(100, 1));
  bytes.back() ^= 1;
  expect_only_this_one_ends(bytes, "sent a bad frame: a frame's checksum");
}

TEST(TcpPeer, GarbageEndsOnlyIt) { expect_only_this_one_ends(pattern(100, 1), "sent a bad frame"); }

TEST(TcpPeer, AnImpossibleLengthEndsOnlyIt) {
  Bytes bytes = message_frame({});
  bytes[31] = 0x80;
  expect_only_this_one_ends(bytes, "sent a bad frame: a frame of 9223372036854775808 bytes");
}

TEST(TcpPeer, AFrameOfTheWrongKindEndsOnlyIt) {
  for (const FrameKind kind : {FrameKind::join, FrameKind::accept, FrameKind::reject})
    expect_only_this_one_ends(to_frame({kind}, {}), "sent an unexpected frame");
  expect_only_this_one_ends(RawPeer::join_frame(0, 2), "sent an unexpected frame");
}

TEST(TcpPeer, AMessageBeyondTheLimitEndsIt) {
  RawStar star(1, {{"max_message", std::int64_t{1024}}});
  star.peers[0].send(message_frame(pattern(1024, 1)));
  star.peers[0].send(message_frame(pattern(1025, 1)));
  EXPECT_EQ(star.server->receive(member(0), soon()).size, 1024u);
  expect_failure(outcome_of([&] { star.server->receive(member(0), soon()); }), TPC_CLOSED, "1025 bytes, at most 1024");
}

TEST(TcpPeer, AMessageBeyondTheOwnLimitIsNotSent) {
  RawStar star(1, {{"max_message", std::int64_t{1024}}});
  const Bytes data = pattern(1025, 1);
  expect_failure(outcome_of([&] { star.server->send(member(0), message(data), soon()); }), TPC_INVALID_ARGUMENT,
                 "max_message");
}

TEST(TcpPeer, AMessageMayComeByteByByte) {
  RawStar star(1);
  in_parallel({[&] { EXPECT_TRUE(same_bytes(star.server->receive(member(0), soon()), pattern(50, 1))); },
               [&] {
                 for (const std::uint8_t byte : message_frame(pattern(50, 1))) {
                   star.peers[0].send({byte});
                   std::this_thread::sleep_for(std::chrono::microseconds(200));
                 }
               }});
}

TEST(TcpPeer, AnEndInTheMiddleOfAMessageIsNoMessage) {
  RawStar star(1);
  Bytes half = message_frame(pattern(1000, 1));
  half.resize(500);
  star.peers[0].send(half);
  star.peers[0].close();
  expect_failure(outcome_of([&] { star.server->receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
}

TEST(TcpPeer, OneThatNeverClosesIsATimeOutOfClose) {
  RawStar star(1);
  expect_failure(outcome_of([&] { star.server->close(in(0.3)); }), TPC_TIMEOUT, "does not close");
}

/// Bytes that `server` takes for worker 0 until a send times out; far too many are a failure.
std::uint64_t accepted_until_timeout(Transport& server) {
  constexpr std::uint64_t far_too_many = std::uint64_t{512} << 20;
  const Bytes data = pattern(1 << 20, 1);
  Outcome outcome;
  while (outcome.status == TPC_OK && server.traffic().payload_sent < far_too_many)
    outcome = outcome_of([&] { server.send(member(0), message(data), in(0.3)); });
  expect_failure(outcome, TPC_TIMEOUT, "worker 0 does not read");
  return server.traffic().payload_sent;
}

constexpr std::uint64_t bounded = std::uint64_t{128} << 20;  // the queue and what the kernel takes

TEST(TcpPeer, OneThatStopsReadingIsATimeOutOfSendAndMemoryStaysBounded) {
  RawStar star(2);
  EXPECT_LT(accepted_until_timeout(*star.server), bounded);
  star.server->send(member(1), message(pattern(9, 1)), soon());
  const auto frame = star.peers[1].read_frame();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->payload.size(), 9u);
}

TEST(TcpPeer, OneThatSendsWithoutEndIsNotReadWithoutEnd) {
  RawStar star(2);
  const Bytes frame = message_frame(pattern(1 << 20, 1));
  std::atomic<bool> server_is_done{false};
  std::uint64_t sent = 0;
  in_parallel({[&] {
                 EXPECT_EQ(outcome_of([&] { star.server->receive(member(1), in(2)); }).status, TPC_TIMEOUT);
                 EXPECT_LT(star.server->traffic().wire_received, std::uint64_t{32} << 20);
                 server_is_done = true;
                 star.server.destroy();
               },
               [&] {
                 for (; sent < 256 && !server_is_done; ++sent) star.peers[0].send(frame);
               }});
}

// ---- processes that die or are stopped

/// Joins as the only worker and sends one message. In the child: a socket, no transport, no thread.
void raw_worker(const std::string& address) {
  RawPeer peer(address);
  peer.join(0, 1);
  peer.send(message_frame(pattern(5, 0)));
  while (true) ::pause();
}

TEST(TcpProcess, KilledIsNoticed) {
  Member server = opened_server("tcp", 1);
  const std::string address = server->address();
  const Process worker([&] { raw_worker(address); });
  server->join(soon());
  EXPECT_EQ(server->receive(member(0), soon()).size, 5u);
  worker.signal(SIGKILL);
  const double begin = now_seconds();
  expect_failure(outcome_of([&] { server->receive(member(0), soon()); }), TPC_CLOSED, "worker 0");
  EXPECT_LT(now_seconds() - begin, 10);
}

TEST(TcpProcess, StoppedIsATimeOutOfReceiveAndOfSend) {
  Member server = opened_server("tcp", 1);
  const std::string address = server->address();
  const Process worker([&] { raw_worker(address); });
  server->join(soon());
  EXPECT_EQ(server->receive(member(0), soon()).size, 5u);
  worker.signal(SIGSTOP);
  expect_failure(outcome_of([&] { server->receive(member(0), in(0.3)); }), TPC_TIMEOUT, "worker 0");
  EXPECT_LT(accepted_until_timeout(*server), bounded);
}

}  // namespace
}  // namespace transport_test
