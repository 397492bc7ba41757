// A served run under attack: it goes on, ends with the same x as an undisturbed one, and its memory stays bounded.
#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <thread>

#include "memory_of.hpp"
#include "program.hpp"
#include "raw_peer.hpp"

namespace threepc::test {
namespace {

using tcp::FrameKind;
using tcp::to_frame;
using transport_test::pattern;
using transport_test::RawPeer;
using Bytes = std::vector<std::uint8_t>;

constexpr int rounds = 1000;
constexpr double most_megabytes = 150;  // of a server that has 30 or so when nobody attacks

/// threepc serve with a token, and with TLS if wanted; two workers; attackers in between.
class Attack : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder_.write("token", "a token of some thirty characters");
    std::filesystem::permissions(folder_.path("token"), std::filesystem::perms::owner_read);
    config_ = folder_.write("run.toml", small_config(2, "tcp", rounds));
    shared_ = {"--set", "transport.token_file=" + folder_.path("token"), "--set", "run.evaluate_every=100"};
    ASSERT_EQ(run_program({"certs", folder_.path("lab")}).exit_code, 0);
    std::vector<std::string> arguments = {"serve", config_, "--listen", "127.0.0.1:0", "--out", folder_.path("run")};
    server_ = std::make_unique<Process>(with_secrets(arguments, "server"));
    const std::string said = server_->wait_for_stderr("--connect ");
    const std::size_t at = said.find("127.0.0.1:");
    address_ = said.substr(at, said.find(' ', at) - at);
  }

  bool has_tls() const { return GetParam(); }
  std::vector<std::string> with_secrets(std::vector<std::string> arguments, const std::string& who) const {
    arguments.insert(arguments.end(), shared_.begin(), shared_.end());
    if (!has_tls()) return arguments;
    for (const std::string& file :
         {"ca=" + folder_.path("lab/ca.pem"), "certificate=" + folder_.path("lab/" + who + ".pem"),
          "key=" + folder_.path("lab/" + who + ".key")})
      arguments.insert(arguments.end(), {"--set", "transport." + file});
    return arguments;
  }

  std::unique_ptr<Process> worker(int rank) const {
    return std::make_unique<Process>(
        with_secrets({"work", config_, "--rank", std::to_string(rank), "--connect", address_}, "worker"));
  }

  /// The attack goes on before any worker has joined, while they join, and while they work; they are started when
  /// `has_begun`.
  void expect_survival(const std::function<void()>& attack, const std::function<bool()>& has_begun = {}) {
    std::atomic<bool> over{false};
    std::jthread attacker([&] {
      do attack();
      while (!over);
    });
    double most = 0;
    std::jthread watcher([&] {
      for (; !over; std::this_thread::sleep_for(std::chrono::milliseconds(20)))
        most = std::max(most, resident_megabytes(server_->id()));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    for (int i = 0; i < 1500 && has_begun && !has_begun(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto first = worker(0), second = worker(1);
    const Result result = server_->wait();
    over = true;
    watcher.join();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(first->wait().exit_code, 0);
    EXPECT_EQ(second->wait().exit_code, 0);
    EXPECT_EQ(read_summary(folder_.path("run"))["x_hash"], undisturbed());
    EXPECT_GT(most, 0);
    EXPECT_LT(most, most_megabytes);
    RecordProperty("megabytes", std::to_string(most));
    expect_few_lines();
  }

  static std::string undisturbed() {
    static const std::string hash = [] {
      const Folder folder;
      const std::string config = folder.write("run.toml", small_config(2, "inproc", rounds));
      run_program({"run", config, "--quiet", "--out", folder.path("run"), "--set", "run.evaluate_every=100"});
      return read_summary(folder.path("run"))["x_hash"].get<std::string>();
    }();
    return hash;
  }

  std::string log() const { return read_file(folder_.path("run/log.txt")); }
  void expect_few_lines() const {
    const std::string text = log();
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 60) << text.substr(0, 4000);
  }

  Folder folder_;
  std::string config_, address_;
  std::vector<std::string> shared_;
  std::unique_ptr<Process> server_;
};

INSTANTIATE_TEST_SUITE_P(All, Attack, testing::Bool(), [](const auto& which) { return which.param ? "tls" : "token"; });

TEST_P(Attack, TenThousandConnectionsInWaves) {
  std::atomic<int> connected{0};
  const auto wave = [&] {
    std::vector<RawPeer> peers;
    for (int i = 0; i < 500; ++i) connected += peers.emplace_back(address_).connected() ? 1 : 0;
  };
  expect_survival(wave, [&] { return connected >= 10'000; });
  EXPECT_GE(connected, 10'000);
  EXPECT_NE(log().find(" more"), std::string::npos) << log();
}

TEST_P(Attack, ALengthOfTwoToThe63) {
  Bytes frame = RawPeer::join_frame(0, 2);
  frame[31] = 0x80;
  expect_survival([&] {
    RawPeer peer(address_);
    peer.send(frame);
    peer.is_thrown_out();
  });
}

TEST_P(Attack, AFloodOfValidFramesOfStrangers) {
  Bytes frames;
  for (int i = 0; i < 500; ++i) {
    const Bytes one = to_frame({FrameKind::message, 1, 7, 3}, pattern(900, 1));
    frames.insert(frames.end(), one.begin(), one.end());
  }
  expect_survival([&] {
    RawPeer before(address_), after(address_);
    before.send(frames);
    after.send(RawPeer::join_frame(0, 2));
    after.send(to_frame({FrameKind::proof}, Bytes(32, 7)));
    for (int i = 0; i < 20; ++i) after.send(frames);
  });
}

TEST_P(Attack, SlowStrangers) {
  std::vector<RawPeer> slow;
  const Bytes begin = has_tls() ? Bytes{0x16, 0x03, 0x01, 0x02, 0x00, 0x01} : RawPeer::join_frame(0, 2);
  expect_survival([&] {
    if (slow.size() < 300) slow.emplace_back(address_).send({begin[0]});
    for (const RawPeer& peer : slow) peer.send({begin[1]});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
}

TEST_P(Attack, Garbage) {
  std::uint64_t salt = 0;
  expect_survival([&] {
    ++salt;
    RawPeer(address_).send(pattern(100 + salt % 5000, salt));
  });
}

/// What a TLS client says first.
Bytes tls_hello() {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const ssl = SSL_new(context);
  SSL_set0_rbio(ssl, BIO_new(BIO_s_mem()));
  SSL_set0_wbio(ssl, BIO_new(BIO_s_mem()));
  SSL_connect(ssl);
  Bytes hello(2048);
  const int size = BIO_read(SSL_get_wbio(ssl), hello.data(), static_cast<int>(hello.size()));
  hello.resize(static_cast<std::size_t>(std::max(size, 0)));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

/// Each costs the server a handshake's arithmetic, and nobody goes on with it.
TEST_P(Attack, TwoThousandTlsHellos) {
  const Bytes hello = tls_hello();
  ASSERT_GT(hello.size(), 100u);
  std::vector<RawPeer> peers;
  expect_survival([&] {
    if (peers.size() >= 2000) return std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peers.emplace_back(address_).send(hello);
  });
}

TEST_P(Attack, WrongTokensOfThreepcItself) {
  folder_.write("wrong", "a token that is another one");
  std::filesystem::permissions(folder_.path("wrong"), std::filesystem::perms::owner_read);
  std::atomic<int> refused{0};
  expect_survival([&] {
    std::vector<std::string> arguments =
        with_secrets({"work", config_, "--rank", "0", "--connect", address_}, "worker");
    arguments.insert(arguments.end(),
                     {"--set", "transport.token_file=" + folder_.path("wrong"), "--set", "transport.timeout=3"});
    const Result result = Process(arguments).wait();
    if (result.exit_code == 2 && result.err.find("token is not the server's") != std::string::npos) ++refused;
  });
  EXPECT_GE(refused, 1);
  EXPECT_NE(log().find("its token is not the server's"), std::string::npos) << log();
}

}  // namespace
}  // namespace threepc::test
