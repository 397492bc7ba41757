// A member of a run that announces far more than the run needs: it costs that member its place, and the server no
// memory.
#include <atomic>
#include <thread>

#include "members/channel.hpp"
#include "memory_of.hpp"
#include "program.hpp"
#include "raw_peer.hpp"

namespace threepc::test {
namespace {

using tcp::FrameKind;
using transport_test::member;
using transport_test::RawPeer;

tcp::FrameHeader header_of(MessageType type, std::uint32_t rank) {
  return {FrameKind::message, member(rank), static_cast<std::uint32_t>(type), 0};
}

void say(const RawPeer& peer, MessageType type, const Bytes& data = {}) {
  peer.send(tcp::to_frame(header_of(type, 1), data));
}

/// Until a message of this type has come.
bool await(RawPeer& peer, MessageType type) {
  while (const auto frame = peer.read_frame())
    if (frame->header.kind == FrameKind::message && frame->header.type == static_cast<std::uint32_t>(type)) return true;
  return false;
}

/// Joins as worker 1 of two, up to its first update, in whose place it announces four gigabytes.
void announce(const std::string& address) {
  RawPeer peer(address);
  peer.join(1, 2);
  say(peer, MessageType::hello);
  EXPECT_TRUE(await(peer, MessageType::configuration));
  say(peer, MessageType::facts, to_bytes(WorkerFacts{.dim = 50}));
  EXPECT_TRUE(await(peer, MessageType::begin));
  Bytes frame = tcp::to_frame(header_of(MessageType::update, 1), {});
  frame[28] = 1;  // 2^32
  frame.resize(std::size_t{64} << 20);
  peer.send(frame);
  EXPECT_TRUE(peer.is_thrown_out());
}

TEST(Announcement, OfMoreThanTheDimensionAllowsIsRefused) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(2, "tcp", 200));
  const std::vector<std::string> set = {"--set", "optimizer.stepsize=0.01", "--set", "transport.insecure=true"};
  const auto with_set = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), set.begin(), set.end());
    return arguments;
  };
  ::setenv("THREEPC_TOKEN", "", 1);
  Process server(with_set({"serve", config, "--listen", "127.0.0.1:0", "--out", folder.path("run")}));
  const std::string said = server.wait_for_stderr("--connect ");
  const std::size_t at = said.find("127.0.0.1:");
  const std::string address = said.substr(at, said.find(' ', at) - at);
  Process worker(with_set({"work", config, "--rank", "0", "--connect", address}));
  ::unsetenv("THREEPC_TOKEN");
  std::atomic<bool> over{false};
  double most = 0;
  {
    std::jthread watcher([&] {
      for (; !over; std::this_thread::sleep_for(std::chrono::milliseconds(2)))
        most = std::max(most, resident_megabytes(server.id()));
    });
    announce(address);
    over = true;
  }
  EXPECT_LT(most, 60);
  EXPECT_EQ(server.wait().exit_code, 0);
  EXPECT_EQ(worker.wait().exit_code, 0);
  const std::string log = read_file(folder.path("run/log.txt"));
  EXPECT_NE(log.find("worker 1 sent a bad frame: a frame of 4294967296 bytes, at most"), std::string::npos) << log;
}

}  // namespace
}  // namespace threepc::test
