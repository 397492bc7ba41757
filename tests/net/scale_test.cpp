// Hundreds of workers, a thousand, at one server, and messages beyond what an int counts.
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "members.hpp"
#include "memory_of.hpp"

namespace transport_test {
namespace {

constexpr std::uint32_t drivers = 4;  // threads, each of which drives its share of the workers
constexpr std::uint64_t rounds = 20;

/// All in one process: a worker takes a connection, and an event loop of some more files.
bool enough_files(std::uint32_t many) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16384);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 8 * many;
}

std::vector<Member> share_of(const std::string& id, std::uint32_t many, std::uint32_t driver) {
  std::vector<Member> workers;
  for (std::uint32_t rank = driver; rank < many; rank += drivers) workers.emplace_back(id, many, rank);
  return workers;
}

void work(std::vector<Member> workers, std::uint32_t driver, const std::string& address) {
  for (const Member& worker : workers) worker->open(address, in(120)), worker->join(in(120));
  for (std::uint64_t round = 0; round < rounds; ++round)
    for (std::uint32_t i = 0; i < workers.size(); ++i) {
      EXPECT_TRUE(same_bytes(workers[i]->receive(the_server, in(120)), pattern(8000, round)));
      workers[i]->send(the_server, message(pattern(400, driver + i * drivers + round), 0, round), in(120));
    }
  for (const Member& worker : workers) worker->receive(the_server, in(120));  // all have been heard
}

void serve(Transport& server, std::uint32_t many) {
  server.join(in(120));
  const double begin = now_seconds();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    server.broadcast(message(pattern(8000, round)), in(120));
    for (std::uint32_t rank = 0; rank < many; ++rank)
      EXPECT_TRUE(same_bytes(server.receive(member(rank), in(120)), pattern(400, rank + round)));
  }
  testing::Test::RecordProperty("rounds_per_second", std::to_string(rounds / (now_seconds() - begin)));
  server.broadcast(message({}), in(120));
}

/// Server and workers together.
void train(const std::string& id, std::uint32_t many) {
  Member server = opened_server(id, many);
  std::vector<std::function<void()>> parts = {[&] { serve(*server, many); }};
  for (std::uint32_t driver = 0; driver < drivers; ++driver)
    parts.push_back([&, driver] { work(share_of(id, many, driver), driver, server->address()); });
  in_parallel(parts);
}

TEST(TcpScale, AThousandWorkers) {
  constexpr std::uint32_t many = 1000;
  if (!enough_files(many)) GTEST_SKIP() << "this process may not open " << 8 * many << " files (ulimit -Hn)";
  const double before = threepc::test::resident_megabytes(::getpid());
  train("tcp", many);
  // About a quarter of a megabyte for each pair is far more than they need.
  const double grown = threepc::test::resident_megabytes(::getpid()) - before;
  RecordProperty("megabytes", std::to_string(grown));
  EXPECT_LT(grown, 250);
}

TEST(ShmScale, ThreeHundredWorkers) {
  constexpr std::uint32_t many = 300;
  if (!enough_files(many)) GTEST_SKIP() << "this process may not open " << 8 * many << " files (ulimit -Hn)";
  train("shm", many);
}

/// The server needs a file for each, and raises its own limit as far as it may.
TEST(ShmScale, TheLimitOfOpenFilesIsRaised) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  if (before.rlim_max < 1000) GTEST_SKIP() << "this process may not open 1000 files (ulimit -Hn)";
  const rlimit low = {64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  const Member server = opened_server("shm", 300);
  rlimit after{};
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_GE(after.rlim_cur, 600u);
  setrlimit(RLIMIT_NOFILE, &before);
}

/// Free memory in GiB, as the kernel estimates it.
double available_gigabytes() {
  std::ifstream in("/proc/meminfo");
  for (std::string key, unit; in >> key;) {
    double kilobytes = 0;
    in >> kilobytes, std::getline(in, unit);
    if (key == "MemAvailable:") return kilobytes / (1 << 20);
  }
  return 0;
}

TEST(TcpScale, AMessageOfMoreThanTwoGigabytes) {
  constexpr double needed = 10;  // the data, its frame, and what has arrived, twice while it grows
  if (std::getenv("THREEPC_TEST_LARGE") == nullptr) GTEST_SKIP() << "takes minutes; set THREEPC_TEST_LARGE=1 to run it";
  if (available_gigabytes() < needed) GTEST_SKIP() << "needs " << needed << " GiB of free memory";
  Star star("tcp", 1);
  constexpr std::uint64_t size = (std::uint64_t{1} << 31) + 4097;
  Bytes data(size);
  for (std::uint64_t at = 0; at < size; at += 4096) data[at] = static_cast<std::uint8_t>(at >> 12);
  star.run_and_close(
      [&](Transport& server) {
        const tpc_message got = server.receive(member(0), in(1000));
        EXPECT_EQ(got.size, size);
        EXPECT_TRUE(same_bytes(got, data));
      },
      [&](Transport& worker, std::uint32_t) {
        worker.send(the_server, message(data), in(1000)), worker.close(in(1000));
      });
}

}  // namespace
}  // namespace transport_test
