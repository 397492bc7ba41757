// The shm transport against peers that break the rules: what they write into the shared memory and say on its socket
// may be anything.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "contract.hpp"
#include "shm/connection.hpp"
#include "shm/patience.hpp"

namespace transport_test {
namespace {

namespace shm = threepc::shm;
using shm::Answer;
using shm::Descriptor;
using shm::Hello;
using shm::Socket;

Socket connected_to(const std::string& name) {
  for (const std::int64_t last = soon(); in(0) < last;)
    if (auto socket = shm::connect_to(name)) return std::move(*socket);
  throw std::runtime_error("no server under the name " + name);
}

bool send_attached(const Socket& socket, const Hello& hello, int file, std::size_t times) {
  iovec part{const_cast<Hello*>(&hello), sizeof hello};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control;
  packet.msg_controllen = CMSG_SPACE(times * sizeof file);
  cmsghdr* const head = CMSG_FIRSTHDR(&packet);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(times * sizeof file);
  for (std::size_t i = 0; i < times; ++i) std::memcpy(CMSG_DATA(head) + i * sizeof file, &file, sizeof file);
  return sendmsg(socket.number(), &packet, MSG_NOSIGNAL) == sizeof hello;
}

/// Waits for an answer; the descriptor that comes with it goes to `file`.
Socket::Arrival answer_of(const Socket& socket, Answer& answer, Descriptor& file) {
  for (const std::int64_t last = soon(); in(0) < last; std::this_thread::sleep_for(std::chrono::milliseconds(1)))
    if (const auto arrival = socket.receive(answer, file); arrival != Socket::Arrival::nothing) return arrival;
  return Socket::Arrival::nothing;
}

/// A worker that has joined and keeps no rule.
struct RawWorker {
  explicit RawWorker(const std::string& name, std::uint32_t rank = 0, std::uint32_t workers = 1)
      : socket(connected_to(name)) {
    socket.send(Hello{.rank = rank, .workers = workers});
    Answer answer;
    Descriptor file;
    EXPECT_EQ(answer_of(socket, answer, file), Socket::Arrival::packet);
    EXPECT_TRUE(static_cast<bool>(file)) << answer.refusal.data();
    segment.emplace(std::move(file), answer.ring);
  }
  shm::Ring up() const { return segment->to_server(); }
  shm::Ring down() const { return segment->to_worker(); }

  /// Puts bytes into the ring without asking whether there is room.
  void write(const void* data, std::size_t size) {
    std::memcpy(up().bytes + up().place(written), data, size);
    up().control->written = written += size;
    socket.ring();
  }

  Socket socket;
  std::optional<shm::Segment> segment;
  std::uint64_t written = 0;
};

/// A server of a raw worker and a sound one, joined.
class ShmHostile : public testing::Test {
 protected:
  ShmHostile() : server_(opened_server("shm", 2)), sound_("shm", 2, 1) {
    in_parallel({[&] { server_->join(soon()); }, [&] { raw_.emplace(server_->address(), 0, 2); },
                 [&] {
                   sound_->open(server_->address(), soon());
                   sound_->join(soon());
                 }});
  }

  void expect_broken(const std::string& words) {
    for (int i = 0; i < 2; ++i)
      expect_failure(outcome_of([&] { server_->receive(member(0), soon()); }), TPC_CLOSED, words);
    sound_->send(the_server, message(pattern(100, 1)), soon());
    EXPECT_TRUE(same_bytes(server_->receive(member(1), soon()), pattern(100, 1)));
  }

  Member server_, sound_;
  std::optional<RawWorker> raw_;
};

TEST_F(ShmHostile, MoreWrittenThanTheRingHolds) {
  raw_->up().control->written = raw_->up().capacity + 1;
  expect_broken("worker 0 broke the shared memory: it says to have written more");
}

TEST_F(ShmHostile, APositionThatGoesBack) {
  const shm::Header header{.length = 8};
  raw_->write(&header, sizeof header);
  EXPECT_EQ(outcome_of([&] { server_->receive(member(0), in(0.1)); }).status, TPC_TIMEOUT);
  raw_->up().control->written = 3;
  raw_->socket.ring();
  expect_broken("it says to have written more");
}

TEST_F(ShmHostile, ReadWhatWasNeverWritten) {
  raw_->down().control->read = std::uint64_t{1} << 40;
  // The server looks at the reader's position when the ring seems full.
  const Bytes data = pattern(3 << 20, 1);
  outcome_of([&] { server_->send(member(0), message(data), in(5)); });
  expect_broken("it says to have read what was never written");
}

TEST_F(ShmHostile, NoMessageWhereOneShouldBegin) {
  const shm::Header header{.length = 8, .magic = 1};
  raw_->write(&header, sizeof header);
  expect_broken("no message begins where one should");
}

TEST_F(ShmHostile, ALengthBeyondTheLimit) {
  const shm::Header header{.length = UINT64_MAX};
  raw_->write(&header, sizeof header);
  expect_broken("a message of 18446744073709551615 bytes");
}

TEST_F(ShmHostile, ALengthBeyondWhatTheHostAllows) {
  const shm::Header header{.length = 10'001};
  raw_->write(&header, sizeof header);
  EXPECT_EQ(outcome_of([&] { server_->receive(member(0), in(0.1)); }).status, TPC_TIMEOUT);
  server_->limit(member(0), 10'000);  // counts for the one that is coming in
  expect_broken("a message of 10001 bytes, at most 10000 are accepted");
}

TEST_F(ShmHostile, ALengthThatIsPromisedTakesNoMemory) {
  const shm::Header header{.length = std::uint64_t{1} << 40};
  raw_->write(&header, sizeof header);
  EXPECT_EQ(outcome_of([&] { server_->receive(member(0), in(0.1)); }).status, TPC_TIMEOUT);
  raw_.reset();
  expect_broken("in the middle of a message");
}

TEST_F(ShmHostile, AMessageByteByByte) {
  const shm::Header header{.length = 5, .round = 7, .type = 9};
  Bytes bytes(sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  const Bytes data = pattern(5, 1);
  bytes.insert(bytes.end(), data.begin(), data.end());
  in_parallel({[&] {
                 const tpc_message got = server_->receive(member(0), soon());
                 EXPECT_EQ(got.round, 7u);
                 EXPECT_EQ(got.type, 9u);
                 EXPECT_TRUE(same_bytes(got, data));
               },
               [&] {
                 for (const std::uint8_t byte : bytes) raw_->write(&byte, 1);
               }});
}

TEST_F(ShmHostile, FlagsThatLieAndBellsThatRing) {
  for (int i = 0; i < 1000; ++i) {
    raw_->down().control->reader_sleeps = 7;
    raw_->up().control->writer_sleeps = 7;
    raw_->socket.ring();
    server_->send(member(0), message(pattern(100, 1)), soon());
    EXPECT_EQ(outcome_of([&] { server_->receive(member(0), 0); }).status, TPC_TIMEOUT);
  }
}

TEST_F(ShmHostile, AClosedRingWithoutAnEnd) {
  raw_->up().control->closed = 1;
  raw_->socket.ring();
  expect_broken("worker 0 has left");
}

TEST_F(ShmHostile, ItsMemoryCannotShrink) {
  Socket socket = connected_to(server_->address());
  raw_.reset();
  EXPECT_EQ(outcome_of([&] { server_->receive(member(0), soon()); }).status, TPC_CLOSED);
  socket.send(Hello{.rank = 0, .workers = 2});
  Answer answer;
  Descriptor file;
  in_parallel({[&] { EXPECT_EQ(answer_of(socket, answer, file), Socket::Arrival::packet); },
               [&] { EXPECT_EQ(outcome_of([&] { server_->receive(member(1), in(1)); }).status, TPC_TIMEOUT); }});
  ASSERT_TRUE(static_cast<bool>(file));
  EXPECT_EQ(ftruncate(file.number(), 0), -1);
  EXPECT_EQ(ftruncate(file.number(), 1 << 30), -1);
}

// ---- strangers

/// A server of one worker that waits for it; `meanwhile` gets its name. Then the worker joins all the same.
void server_survives(const std::function<void(const std::string& name)>& meanwhile) {
  Member server = opened_server("shm", 1);
  Member worker("shm", 1, 0);
  in_parallel({[&] {
                 server->join(soon());
                 EXPECT_EQ(server->receive(member(0), soon()).size, 5u);
               },
               [&] {
                 meanwhile(server->address());
                 worker->open(server->address(), soon());
                 worker->join(soon());
                 worker->send(the_server, message(pattern(5, 0)), soon());
               }});
}

void expect_refused(const std::string& name, const Hello& hello, const std::string& words) {
  const Socket socket = connected_to(name);
  socket.send(hello);
  Answer answer;
  Descriptor file;
  EXPECT_EQ(answer_of(socket, answer, file), Socket::Arrival::packet);
  EXPECT_EQ(answer.ring, 0u);
  EXPECT_FALSE(static_cast<bool>(file));
  EXPECT_NE(std::string(answer.refusal.data()).find(words), std::string::npos) << answer.refusal.data();
}

TEST(ShmStranger, IsRefusedWithTheReason) {
  server_survives([](const std::string& name) {
    expect_refused(name, {.magic = 5, .rank = 0, .workers = 1}, "does not speak");
    expect_refused(name, {.version = 9, .rank = 0, .workers = 1}, "equal versions");
    expect_refused(name, {.rank = 1, .workers = 1}, "rank 1 is out of range");
    expect_refused(name, {.rank = UINT32_MAX, .workers = 1}, "out of range");
    expect_refused(name, {.rank = 0, .workers = 2}, "expects 2");
  });
}

TEST(ShmStranger, HarmsNobodyByWhatItSays) {
  server_survives([](const std::string& name) {
    for (const std::size_t size : {1u, 15u, 17u, 100000u}) {
      const Socket socket = connected_to(name);
      const Bytes noise = pattern(size, size);
      send(socket.number(), noise.data(), noise.size(), MSG_NOSIGNAL);
    }
    connected_to(name);  // and is gone
    std::vector<Socket> silent;
    for (int i = 0; i < 300; ++i) silent.push_back(connected_to(name));
  });
}

TEST(ShmStranger, WhatItAttachesIsClosed) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = open_files();
  server_survives([](const std::string& name) {
    const Descriptor file(open("/dev/null", O_RDONLY));
    for (std::size_t i = 0; i < 50; ++i)
      EXPECT_TRUE(send_attached(connected_to(name), Hello{.rank = 9, .workers = 1}, file.number(), 1 + i % 4u));
  });
  EXPECT_EQ(open_files(), before);
}

TEST(ShmStranger, OfAnotherUserIsNotSpokenTo) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  server_survives([](const std::string& name) {
    const pid_t other = fork();
    if (other == 0) {
      constexpr uid_t nobody = 65534;
      if (setuid(nobody) != 0) _exit(2);
      auto socket = shm::connect_to(name);
      if (!socket) _exit(3);
      socket->send(Hello{.rank = 0, .workers = 1});
      Answer answer;
      Descriptor file;
      _exit(answer_of(*socket, answer, file) == Socket::Arrival::end ? 0 : 4);
    }
    int status = 0;
    waitpid(other, &status, 0);
    EXPECT_EQ(status, 0);
  });
}

/// Far more than 128 who have said who they are before the server looks for the first time, and as many who are silent.
TEST(ShmStranger, NobodyWhoHasSpokenMakesRoom) {
  constexpr std::uint32_t many = 200;
  Member server = opened_server("shm", many);
  const std::string name = server->address();
  std::vector<Socket> workers, silent;
  for (std::uint32_t rank = 0; rank < many; ++rank) {
    silent.push_back(connected_to(name));
    workers.push_back(connected_to(name));
    workers.back().send(Hello{.rank = rank, .workers = many});
  }
  for (std::uint32_t i = 0; i < many; ++i) silent.push_back(connected_to(name));
  EXPECT_EQ(outcome_of([&] { server->join(soon()); }).status, TPC_OK);
}

/// A server that makes room before it has heard the worker, and does better the next time.
TEST(ShmStranger, AWorkerThatMadeRoomComesAgain) {
  const std::string name = shm::fresh_name();
  const Descriptor listener = shm::listen_at(name);
  shm::Segment segment(1 << 20);
  Socket last;
  Member worker("shm", 1, 0);
  worker->open(name, soon());
  in_parallel({[&] { worker->join(soon()); },
               [&] {
                 for (int made_room = 0; made_room < 3;) made_room += shm::accept_from(listener).has_value();
                 while (!last)
                   if (auto socket = shm::accept_from(listener)) last = std::move(*socket);
                 Answer answer;
                 answer.ring = 1 << 20;
                 EXPECT_TRUE(last.send(answer, &segment.file()));
               }});
}

// ---- servers that a worker must not trust

TEST(ShmServer, OfAWorkerThatGetsNoUsableMemory) {
  for (const std::uint64_t ring : {std::uint64_t{5000}, std::uint64_t{1} << 31, std::uint64_t{1} << 20}) {
    const std::string name = shm::fresh_name();
    const Descriptor listener = shm::listen_at(name);
    Member worker("shm", 1, 0);
    worker->open(name, soon());
    in_parallel({[&] { expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_CORRUPT, "shared memory"); },
                 [&] {
                   std::optional<Socket> socket;
                   while (!socket) socket = shm::accept_from(listener);
                   const Descriptor file(memfd_create("small", MFD_CLOEXEC));
                   Answer answer;
                   answer.ring = ring;
                   socket->send(answer, &file);
                   let_it_block();
                 }});
  }
}

// ---- names

TEST(ShmName, OfTheSettingIsTakenByServerAndWorker) {
  const Values values = {{"name", "training-" + shm::fresh_name()}};
  Member server = opened_server("shm", 1, values);
  Member worker("shm", 1, 0, values);
  EXPECT_EQ(server->address(), std::get<std::string>(values.at("name")));
  in_parallel({[&] { server->join(soon()); },
               [&] {
                 worker->open("", soon());
                 worker->join(soon());
               }});
}

TEST(ShmName, InUseIsRefused) {
  Member first = opened_server("shm", 1), second("shm", 1, TPC_SERVER);
  expect_failure(outcome_of([&] { second->open(first->address(), soon()); }), TPC_INVALID_ARGUMENT, "is in use");
}

TEST(ShmName, ThatIsNoneIsRefused) {
  for (const std::string& name : {std::string("two words"), std::string(81, 'x'), std::string("tab\t")}) {
    Member server("shm", 1, TPC_SERVER);
    expect_failure(outcome_of([&] { server->open(name, soon()); }), TPC_INVALID_ARGUMENT, "is no name");
  }
  Member worker("shm", 1, 0);
  expect_failure(outcome_of([&] { worker->open("", soon()); }), TPC_INVALID_ARGUMENT, "--connect NAME");
}

TEST(ShmName, OfAWorkerThatComesBeforeItsServer) {
  const std::string name = shm::fresh_name();
  Member server("shm", 1, TPC_SERVER), worker("shm", 1, 0);
  in_parallel({[&] {
                 worker->open(name, soon());
                 worker->join(soon());
               },
               [&] {
                 let_it_block();
                 server->open(name, soon());
                 server->join(soon());
               }});
}

// ---- limits

TEST(ShmLimit, AMessageBeyondItIsRefusedBySenderAndReceiver) {
  Star star("shm", 1, {{"max_message", std::int64_t{2000}}});
  const Bytes data = pattern(2001, 1);
  expect_failure(outcome_of([&] { star.server().send(member(0), message(data), soon()); }), TPC_INVALID_ARGUMENT,
                 "max_message = 2000");
  star.server().send(member(0), message(pattern(2000, 1)), soon());
  EXPECT_EQ(star.worker(0).receive(the_server, soon()).size, 2000u);
}

TEST(ShmLimit, TheSmallestRingServes) {
  Star star("shm", 3, {{"ring", std::int64_t{4096}}});
  star.run_and_close([](Transport& server) { talk_as_server(server, 3); }, talk_as_worker);
}

TEST(ShmLimit, HalfAMessageIsGivenUpAndEndsTheConnection) {
  Star star("shm", 2);
  const Bytes data = pattern(80 << 20, 1);
  expect_failure(outcome_of([&] { star.server().send(member(0), message(data), in(0.3)); }), TPC_TIMEOUT, "worker 0");
  expect_failure(outcome_of([&] { star.server().receive(member(0), soon()); }), TPC_CLOSED, "did not read in time");
  expect_failure(outcome_of([&] { star.worker(0).receive(the_server, soon()); }), TPC_CLOSED, "in the middle");
}

TEST(ShmWire, EveryMessageHasAHeaderOf24Bytes) {
  Star star("shm", 1);
  star.server().send(member(0), message(pattern(100, 1)), soon());
  star.worker(0).receive(the_server, soon());
  EXPECT_EQ(star.server().traffic().wire_sent, 124u);
  EXPECT_EQ(star.worker(0).traffic().wire_received, 124u);
}

// ---- patience

/// A clock that goes on by itself.
struct Ticks {
  std::int64_t time = 0;
  std::int64_t operator()() { return time += 500; }
};

TEST(ShmPatience, EndsWhenItBringsNothingAndComesBackWhenItDoes) {
  shm::Patience patience;
  Ticks clock;
  std::uint64_t looks = 0;
  const auto never = [&] { return ++looks, false; };
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(patience.wait(std::ref(clock), never));
  EXPECT_LT(looks, 1000u);
  const auto at_third = [n = 0]() mutable { return ++n % 3 == 0; };
  int successes = 0;
  for (int i = 0; i < 100; ++i) successes += patience.wait(std::ref(clock), at_third);
  EXPECT_GT(successes, 80);
}

}  // namespace
}  // namespace transport_test
