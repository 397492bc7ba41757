// Recounts the communication from captured bytes: a proxy stands between workers and server, and what passed
// through it is decoded by docs/wire-format.md alone, with no code of the product.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Forwards `connections` connections to 127.0.0.1:`port` and keeps what the clients sent, each by itself.
class Proxy {
 public:
  Proxy(int port, int connections) : server_port_(port) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(0);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, connections);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    captured_.resize(static_cast<std::size_t>(connections));
    for (std::string& capture : captured_) pumps_.emplace_back([this, &capture] { serve(capture); });
  }
  ~Proxy() {
    finish();
    close(listener_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::vector<std::string>& finish() {
    for (std::thread& pump : pumps_)
      if (pump.joinable()) pump.join();
    return captured_;
  }

 private:
  static void pump(int from, int to, std::string* capture) {
    char chunk[65536];
    for (ssize_t got = 0; (got = read(from, chunk, sizeof chunk)) > 0;) {
      if (capture != nullptr) capture->append(chunk, static_cast<std::size_t>(got));
      for (ssize_t sent = 0; sent < got;) {
        const ssize_t more = send(to, chunk + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
        if (more <= 0) return;
        sent += more;
      }
    }
    shutdown(to, SHUT_WR);
  }

  void serve(std::string& capture) const {
    const int client = accept(listener_, nullptr, nullptr);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(server_port_);
    connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    std::thread back([&] { pump(server, client, nullptr); });
    pump(client, server, &capture);
    back.join();
    close(client);
    close(server);
  }

  int listener_ = -1, port_ = 0, server_port_;
  std::vector<std::string> captured_;
  std::vector<std::thread> pumps_;
};

template <class T>
T field(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// The updates in a worker's bytes: round -> program.
std::map<std::uint64_t, std::string> updates(const std::string& bytes) {
  constexpr std::size_t header = 40, checksum = 8;  // the latter ends an update
  std::map<std::uint64_t, std::string> out;
  for (std::size_t at = 0; at + header <= bytes.size();) {
    EXPECT_EQ(bytes.substr(at, 4), "T3PF");
    const auto length = field<std::uint64_t>(bytes, at + 24);
    const bool is_update = field<std::uint16_t>(bytes, at + 6) == 4 && field<std::uint32_t>(bytes, at + 12) == 7;
    if (is_update) out[field<std::uint64_t>(bytes, at + 16)] = bytes.substr(at + header, length - checksum);
    at += header + length;
  }
  return out;
}

constexpr std::uint64_t dim = 50, k = 10;

/// What docs/wire-format.md says of gaps between m of d coordinates, for m < 4096.
struct Gaps {
  std::uint64_t s = 0, n = 0;
  std::vector<std::uint64_t> start;  // c_0 .. c_(n+1)

  Gaps(std::uint64_t d, std::uint64_t m) {
    while (s < 16 && m << (s + 4) <= d) ++s;
    const std::uint64_t one = std::uint64_t{1} << 32, ratio = ((d - m) << 32) / (d - m + (m << s));
    std::vector<std::uint64_t> rest = {one};
    for (; n < 32 && rest.back() > one / 32; ++n) rest.push_back(rest.back() * ratio >> 32);
    for (std::uint64_t h = 0; h <= n; ++h) start.push_back(h + ((one - rest[h]) * (4095 - n) >> 32));
    start.push_back(4096);
  }
};

/// The indices in a payload's last bytes.
std::vector<std::uint64_t> indices_in(const std::string& bytes) {
  const Gaps gaps(dim, k);
  std::size_t at = bytes.size() % 4;
  std::uint64_t x = 0;
  std::memcpy(&x, bytes.data(), at);
  const auto refill = [&] {
    if (x >= std::uint64_t{1} << 32 || at == bytes.size()) return false;
    x = x << 32 | field<std::uint32_t>(bytes, at);
    at += 4;
    return true;
  };
  while (refill()) continue;
  std::vector<std::uint64_t> out;
  for (std::uint64_t next = 0; out.size() + 1 < k; ++next) {
    std::uint64_t h = 0, symbol = gaps.n;
    while (symbol == gaps.n) {
      const std::uint64_t slot = x % 4096;
      for (symbol = gaps.n; gaps.start[symbol] > slot;) --symbol;
      x = (gaps.start[symbol + 1] - gaps.start[symbol]) * (x / 4096) + slot - gaps.start[symbol];
      refill();
      h += symbol;
    }
    next += (h << gaps.s) + x % (1u << gaps.s);
    x >>= gaps.s;
    refill();
    out.push_back(next);
  }
  out.push_back(out.back() + 1 + x);
  EXPECT_EQ(at, bytes.size());
  return out;
}

/// Values in a program of one operation: dense, or Top-10 of 50, whose indices must be in range.
std::size_t values_in(const std::string& program) {
  if (program.empty()) return 0;
  const auto header = static_cast<unsigned char>(program[0]);
  EXPECT_NE(header & 4, 0) << "one operation, so it is the last";
  const std::string payload = program.substr(1);
  if (header >> 3 == 0) {
    EXPECT_EQ(payload.size(), dim * sizeof(double));
    return dim;
  }
  EXPECT_EQ(payload.size(), k * sizeof(double) + 6) << "33.3 bits are in the choice of 10 of 50";
  EXPECT_LT(indices_in(payload.substr(k * sizeof(double))).back(), dim);
  return k;
}

TEST(Capture, TheReportedBitsAndFloatsAreWhatCrossed) {
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(3, "tcp", 40));
  const std::vector<std::string> clag = {"--set", "mechanism.plugin=clag",
                                         "--set", "mechanism.zeta=4",
                                         "--set", "mechanism.compressor.k=" + std::to_string(k)};
  std::vector<std::string> serve = {"serve", config, "--listen", "127.0.0.1:0", "--out", folder.path("run")};
  serve.insert(serve.end(), clag.begin(), clag.end());
  Process server(serve);
  const std::string said = server.wait_for_stderr("--connect ");
  Proxy proxy(std::stoi(said.substr(said.find("127.0.0.1:") + 10)), 3);
  std::vector<std::unique_ptr<Process>> workers;
  for (const char* rank : {"0", "1", "2"}) {
    std::vector<std::string> work = {"work", config, "--rank", rank, "--connect", proxy.address()};
    work.insert(work.end(), clag.begin(), clag.end());
    workers.push_back(std::make_unique<Process>(work));
  }
  ASSERT_EQ(server.wait().exit_code, 0);

  std::size_t bytes = 0, values = 0, skips = 0;
  for (const std::string& captured : proxy.finish()) {
    const auto programs = updates(captured);
    EXPECT_EQ(programs.size(), 41u);
    for (const auto& [round, program] : programs) {
      bytes += program.size();
      values += values_in(program);
      skips += program.empty();
    }
  }
  const nlohmann::json summary = read_summary(folder.path("run"));
  EXPECT_DOUBLE_EQ(summary["uplink_bits_per_worker"].get<double>(), 8.0 * static_cast<double>(bytes) / 3);
  EXPECT_DOUBLE_EQ(summary["uplink_floats_per_worker"].get<double>(), static_cast<double>(values) / 3);
  std::size_t reported_skips = 0;
  for (const nlohmann::json& line : read_metrics(folder.path("run")))
    reported_skips += line["skipped"].get<std::size_t>();
  EXPECT_EQ(reported_skips, skips);
  EXPECT_GT(skips, 0u) << "the run should skip somewhere, or this test shows nothing about skips";
}

}  // namespace
}  // namespace threepc::test
