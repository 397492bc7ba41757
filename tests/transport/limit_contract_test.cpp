// How much a member may send: what is longer is refused when it is announced.
#include "contract.hpp"
#include "raw_peer.hpp"

namespace transport_test {
namespace {

/// Of those that have a bound.
class TransportLimit : public TransportContract {
 protected:
  void SetUp() override {
    const auto& table = *static_cast<const tpc_transport*>(spec_of(id()).descriptor->table);
    if (table.struct_size <= offsetof(tpc_transport, limit) || table.limit == nullptr)
      GTEST_SKIP() << id() << " has no such bound";
  }
};

INSTANTIATE_TEST_SUITE_P(All, TransportLimit,
                         testing::Values(Case{"inproc", false}, Case{"shm", true}, Case{"tcp", true}),
                         [](const auto& which) { return which.param.id; });

void send_in_vain(Transport& from, std::uint32_t to, std::size_t size) {
  outcome_of([&] { from.send(to, message(pattern(size, 1)), soon()); });
}

void expect_refused(Transport& by, std::uint32_t from) {
  expect_failure(outcome_of([&] { by.receive(from, soon()); }), TPC_CLOSED, "1001 bytes, at most 1000");
}

void expect_received(Transport& by, std::uint32_t from, Transport& sender, std::uint32_t to, std::size_t size) {
  in_parallel({[&] { EXPECT_TRUE(same_bytes(by.receive(from, soon()), pattern(size, 1))); },
               [&] { sender.send(to, message(pattern(size, 1)), soon()); }});
}

TEST_P(TransportLimit, ALongerMessageEndsTheConnectionOfItsSenderAlone) {
  Star star(id(), 2);
  star.server().limit(member(0), 1000);
  expect_received(star.server(), member(0), star.worker(0), the_server, 1000);
  send_in_vain(star.worker(0), the_server, 1001);
  expect_refused(star.server(), member(0));
  expect_received(star.server(), member(1), star.worker(1), the_server, 1001);
}

TEST_P(TransportLimit, AWorkerMayBoundItsServer) {
  Star star(id(), 1);
  star.worker(0).limit(the_server, 1000);
  expect_received(star.worker(0), the_server, star.server(), member(0), 1000);
  send_in_vain(star.server(), member(0), 1001);
  expect_refused(star.worker(0), the_server);
}

TEST_P(TransportLimit, IsKnownBeforeAnybodyHasJoined) {
  Member server(id(), 1, TPC_SERVER), worker(id(), 1, 0);
  server->limit(member(0), 1000);
  worker->limit(the_server, 1000);
  server->open("", soon());
  worker->open(server->address(), soon());
  in_parallel({[&] { server->join(soon()); }, [&] { worker->join(soon()); }});
  send_in_vain(*worker, the_server, 1001);
  expect_refused(*server, member(0));
}

TEST_P(TransportLimit, MayBeRaised) {
  Star star(id(), 1);
  star.server().limit(member(0), 10);
  star.server().limit(member(0), 5000);
  expect_received(star.server(), member(0), star.worker(0), the_server, 5000);
}

TEST_P(TransportLimit, IsForMembersThatThereAre) {
  Star star(id(), 1);
  EXPECT_EQ(outcome_of([&] { star.server().limit(member(1), 1); }).status, TPC_UNSUPPORTED);
  EXPECT_EQ(outcome_of([&] { star.worker(0).limit(member(0), 1); }).status, TPC_UNSUPPORTED);
}

TEST_P(TransportLimit, HoldsForWhoeverJoinsAgain) {
  if ((spec_of(id()).descriptor->capabilities & TPC_REJOINS) == 0) GTEST_SKIP() << id() << " takes nobody in again";
  Star star(id(), 1);
  star.server().limit(member(0), 1000);
  star.destroy_worker(0);
  EXPECT_EQ(outcome_of([&] { star.server().receive(member(0), soon()); }).status, TPC_CLOSED);
  Member again(id(), 1, 0);
  again->open(star.server().address(), soon());
  std::string why;
  in_parallel({[&] { again->join(soon()), send_in_vain(*again, the_server, 1001); },
               [&] {
                 for (const std::int64_t last = soon(); in(0) < last && why.find("1001 bytes") == std::string::npos;)
                   why = outcome_of([&] { star.server().receive(member(0), in(0.01)); }).text;
               }});
  EXPECT_NE(why.find("1001 bytes, at most 1000"), std::string::npos) << why;
}

/// Only the announcement comes; what it announces never does.
TEST(TcpLimit, AnAnnouncementIsEnough) {
  Member server = opened_server("tcp", 1);
  RawPeer peer(server->address());
  in_parallel({[&] { server->join(soon()); }, [&] { peer.join(0, 1); }});
  server->limit(member(0), 10'000);
  Bytes frame = threepc::tcp::to_frame({FrameKind::message, member(0), 1, 2}, {});
  const std::uint64_t four_gigabytes = std::uint64_t{1} << 32;
  std::memcpy(frame.data() + 24, &four_gigabytes, sizeof four_gigabytes);
  peer.send(frame);
  expect_failure(outcome_of([&] { server->receive(member(0), soon()); }), TPC_CLOSED,
                 "4294967296 bytes, at most 10000 are accepted");
  EXPECT_TRUE(peer.is_thrown_out());
}

/// A bound that is set while a message comes in counts for that one.
TEST(TcpLimit, OfAMessageThatIsComingIn) {
  Member server = opened_server("tcp", 1);
  RawPeer peer(server->address());
  in_parallel({[&] { server->join(soon()); }, [&] { peer.join(0, 1); }});
  const Bytes frame = threepc::tcp::to_frame({FrameKind::message, member(0), 1, 2}, pattern(50'000, 1));
  peer.send({frame.begin(), frame.begin() + 1000});
  EXPECT_EQ(outcome_of([&] { server->receive(member(0), in(0.1)); }).status, TPC_TIMEOUT);
  server->limit(member(0), 10'000);
  peer.send({frame.begin() + 1000, frame.begin() + 1001});
  expect_failure(outcome_of([&] { server->receive(member(0), soon()); }), TPC_CLOSED, "50000 bytes, at most 10000");
}

}  // namespace
}  // namespace transport_test
