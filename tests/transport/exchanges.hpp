// What members of a run say to each other in the tests of transports, each side for itself: the members may be
// threads of the test or processes of their own.
#pragma once

#include "members.hpp"

namespace transport_test {

// ---- many messages of all sizes to and from each worker

inline constexpr std::uint64_t rounds = 100;

inline std::size_t size_in(std::uint64_t round, std::uint32_t rank) { return (round * 37 + rank * 11) % 700; }
inline std::uint64_t salt_of(std::uint64_t round, std::uint32_t rank) { return round * 1000 + rank; }

inline void send_all(Transport& from, std::uint32_t to, std::uint32_t rank) {
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const Bytes data = pattern(size_in(round, rank), salt_of(round, rank));
    from.send(to, message(data, rank + 7, round << 33), soon());
  }
}

inline void expect_next(Transport& at, std::uint32_t from, std::uint64_t round, std::uint32_t rank) {
  const tpc_message got = at.receive(from, soon());
  EXPECT_EQ(got.type, rank + 7);
  EXPECT_EQ(got.round, round << 33);
  EXPECT_TRUE(same_bytes(got, pattern(size_in(round, rank), salt_of(round, rank)))) << "round " << round;
}

inline void talk_as_server(Transport& server, std::uint32_t workers) {
  for (std::uint32_t rank = 0; rank < workers; ++rank) send_all(server, member(rank), rank);
  for (std::uint64_t round = 0; round < rounds; ++round)
    for (std::uint32_t rank = 0; rank < workers; ++rank) expect_next(server, member(rank), round, rank);
}

inline void talk_as_worker(Transport& worker, std::uint32_t rank) {
  send_all(worker, the_server, rank);
  for (std::uint64_t round = 0; round < rounds; ++round) expect_next(worker, the_server, round, rank);
}

// ---- broadcasts among messages to one worker

inline Bytes broadcast_in(std::uint64_t round) { return pattern(round * 3000, round); }

inline void broadcast_as_server(Transport& server, std::uint32_t workers) {
  for (std::uint64_t round = 0; round < 20; ++round) {
    const Bytes shared = broadcast_in(round);
    server.broadcast(message(shared, 1, round), soon());
    for (std::uint32_t rank = 0; rank < workers; ++rank) server.send(member(rank), message({}, 2, rank), soon());
    for (std::uint32_t rank = 0; rank < workers; ++rank) EXPECT_EQ(server.receive(member(rank), soon()).round, round);
  }
}

inline void broadcast_as_worker(Transport& worker, std::uint32_t rank) {
  for (std::uint64_t round = 0; round < 20; ++round) {
    const tpc_message shared = worker.receive(the_server, soon());
    EXPECT_EQ(shared.type, 1u);
    EXPECT_EQ(shared.round, round);
    EXPECT_TRUE(same_bytes(shared, broadcast_in(round)));
    const tpc_message own = worker.receive(the_server, soon());
    EXPECT_EQ(own.type, 2u);
    EXPECT_EQ(own.round, rank);
    worker.send(the_server, message({}, 3, round), soon());
  }
}

// ---- one large thing against another

inline void exchange_sizes(Transport& self, std::uint32_t peer, std::uint64_t own, std::uint64_t others) {
  for (const std::size_t size : {0ul, 1ul, 3ul, 1021ul, 65535ul, (1ul << 20) - 1, 1ul << 20, 1ul << 26}) {
    const Bytes data = pattern(size, own);
    self.send(peer, message(data), soon());
    EXPECT_TRUE(same_bytes(self.receive(peer, soon()), pattern(size, others))) << size;
  }
}

inline void exchange_much(Transport& self, std::uint32_t peer, const Bytes& out, const Bytes& expected) {
  for (int i = 0; i < 12; ++i) self.send(peer, message(out), soon());
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(same_bytes(self.receive(peer, soon()), expected));
}

// ---- the end

inline constexpr std::uint64_t farewell = 50;

inline void send_and_close(Transport& self, std::uint32_t peer) {
  for (std::uint64_t round = 0; round < farewell; ++round)
    self.send(peer, message(pattern(5000, round), 1, round), soon());
  self.close(soon());
}

inline void drain_then_closed(Transport& self, std::uint32_t peer, const std::string& name) {
  for (std::uint64_t round = 0; round < farewell; ++round) {
    const tpc_message got = self.receive(peer, soon());
    EXPECT_EQ(got.round, round);
    EXPECT_TRUE(same_bytes(got, pattern(5000, round)));
  }
  for (int i = 0; i < 2; ++i) expect_failure(outcome_of([&] { self.receive(peer, soon()); }), TPC_CLOSED, name);
}

// ---- deadlines

inline void expect_timely(const std::function<void()>& call, double seconds, const std::string& names) {
  const double begin = now_seconds();
  const Outcome outcome = outcome_of(call);
  const double took = now_seconds() - begin;
  expect_failure(outcome, TPC_TIMEOUT, names);
  EXPECT_GE(took, seconds);
  EXPECT_LT(took, seconds + 10);
}

}  // namespace transport_test
