// Who may join over tcp: tokens, certificates, and everybody else.
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "cli/certs.hpp"
#include "plugin/host_services.hpp"
#include "raw_peer.hpp"

namespace transport_test {
namespace {

namespace fs = std::filesystem;
using threepc::tcp::to_frame;

/// What the transports of this process log while this object lives.
class Log {
 public:
  Log() {
    text().clear();
    threepc::set_log_sink(
        [](tpc_log_level, const char*, const char* line) {
          const std::lock_guard lock(mutex());
          text() += line + std::string("\n");
        },
        TPC_LOG_INFO);
  }
  ~Log() { threepc::set_log_sink(nullptr, TPC_LOG_ERROR); }
  void expect(const std::string& part) const {
    const std::lock_guard lock(mutex());
    EXPECT_NE(text().find(part), std::string::npos) << "'" << part << "' is not in the log:\n" << text();
  }
  std::string all() const {
    const std::lock_guard lock(mutex());
    return text();
  }

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  static std::string& text() {
    static std::string one;
    return one;
  }
};

/// Certificates and tokens in a folder of the test's own.
class TcpSecurity : public testing::Test {
 protected:
  TcpSecurity() {
    std::string name = (fs::temp_directory_path() / "threepc-test-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    make("lab", {});
  }
  ~TcpSecurity() override { fs::remove_all(root_); }

  void make(const std::string& folder, const std::vector<std::string>& hosts, std::uint32_t days = 2) const {
    testing::internal::CaptureStdout();
    threepc::cli::make_certificates({path(folder), hosts, 0, days});
    testing::internal::GetCapturedStdout();
  }
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0600) const {
    std::ofstream(path(name)) << content;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }

  Values token(const std::string& secret) const { return {{"token_file", write(secret + ".token", secret + "\n")}}; }
  Values tls(const std::string& who, const std::string& folder = "lab", const std::string& ca = "") const {
    return {{"ca", path((ca.empty() ? folder : ca) + "/ca.pem")},
            {"certificate", path(folder + "/" + who + ".pem")},
            {"key", path(folder + "/" + who + ".key")}};
  }

  fs::path root_;
};

const std::string secret = "correct horse battery staple";

/// What becomes of a worker that joins a server with these settings. Then one with `good` joins all the same, and is
/// heard: what happened has harmed nobody.
Outcome outcome_of_joining(const Values& of_server, const Values& of_worker, const Values& good) {
  Member server = opened_server("tcp", 1, of_server);
  const std::string address = server->address();
  Outcome outcome;
  in_parallel({[&] {
                 server->join(soon());
                 EXPECT_EQ(server->receive(member(0), soon()).size, 5u);
                 server->close(soon());
               },
               [&] {
                 {
                   Member worker("tcp", 1, 0, of_worker);
                   worker->open(address, soon());
                   outcome = outcome_of([&] { worker->join(soon()); });
                 }
                 Member worker("tcp", 1, 0, good);
                 worker->open(address, soon());
                 worker->join(soon());
                 worker->send(the_server, message(pattern(5, 0)), soon());
                 worker->close(soon());
               }});
  return outcome;
}

void expect_exchange(const Values& of_server, const Values& of_worker) {
  Member server = opened_server("tcp", 1, of_server), worker("tcp", 1, 0, of_worker);
  const Bytes down = pattern(3 << 20, 1), up = pattern(100, 2);
  in_parallel({[&] {
                 server->join(soon());
                 server->broadcast(message(down), soon());
                 EXPECT_TRUE(same_bytes(server->receive(member(0), soon()), up));
                 server->close(soon());
               },
               [&] {
                 worker->open(server->address(), soon());
                 worker->join(soon());
                 EXPECT_TRUE(same_bytes(worker->receive(the_server, soon()), down));
                 worker->send(the_server, message(up), soon());
                 worker->close(soon());
               }});
  const tpc_traffic here = server->traffic(), there = worker->traffic();
  EXPECT_EQ(here.wire_sent, there.wire_received);
  EXPECT_EQ(here.wire_received, there.wire_sent);
  EXPECT_GT(here.wire_sent, down.size());
}

// ---- who can reach it

TEST_F(TcpSecurity, AnyAddressNeedsProtection) {
  for (const std::string address : {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"}) {
    Member server("tcp", 1, TPC_SERVER, {{"insecure", false}});
    const Outcome outcome = outcome_of([&] { server->open(address, soon()); });
    for (const std::string way : {"token_file", "THREEPC_TOKEN", "certificate", "threepc certs", "insecure = true"})
      expect_failure(outcome, TPC_INVALID_ARGUMENT, way);
    expect_failure(outcome, TPC_INVALID_ARGUMENT, address);
  }
}

// ---- tokens

TEST_F(TcpSecurity, MembersWithTheSameTokenExchangeMessages) { expect_exchange(token(secret), token(secret)); }

TEST_F(TcpSecurity, WhiteSpaceAtTheEndOfATokenIsNotPartOfIt) {
  expect_exchange(token(secret), {{"token_file", write("windows", secret + "\r\n")}});
}

TEST_F(TcpSecurity, TheTokenMayComeFromTheEnvironmentAndAFileComesBeforeIt) {
  ::setenv("THREEPC_TOKEN", secret.c_str(), 1);
  expect_exchange({}, token(secret));
  expect_exchange(token("another token altogether"), token("another token altogether"));
  ::unsetenv("THREEPC_TOKEN");
}

TEST_F(TcpSecurity, AWrongTokenIsRefusedAndBothSidesSayWhy) {
  const Log log;
  expect_failure(outcome_of_joining(token(secret), token("wrong token, wrong token"), token(secret)),
                 TPC_INVALID_ARGUMENT, "token is not the server's");
  log.expect("was refused: its token is not the server's");
  EXPECT_EQ(log.all().find(secret), std::string::npos);
}

TEST_F(TcpSecurity, AWorkerWithoutTheTokenIsToldToSetIt) {
  expect_failure(outcome_of_joining(token(secret), {}, token(secret)), TPC_INVALID_ARGUMENT, "asks for a token");
}

TEST_F(TcpSecurity, AServerWithoutTheTokenIsNotBelieved) {
  Member server = opened_server("tcp", 1), worker("tcp", 1, 0, token(secret));
  worker->open(server->address(), soon());
  in_parallel({[&] { server->join(soon()); },
               [&] {
                 expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_INVALID_ARGUMENT,
                                "did not prove that it has the token");
               }});
}

TEST_F(TcpSecurity, ATokenMustBeASecret) {
  const auto made_with = [](const std::string& file) {
    return outcome_of([&] { Member("tcp", 1, 0, {{"token_file", file}}); }).text;
  };
  EXPECT_NE(made_with(write("short", "fifteen letters\n")).find("16 to 4096 bytes, this one 15"), std::string::npos);
  EXPECT_NE(made_with(write("long", std::string(5000, 'x'))).find("16 to 4096 bytes"), std::string::npos);
  EXPECT_NE(made_with(write("empty", "")).find("empty"), std::string::npos);
  EXPECT_NE(made_with(write("open", secret, 0640)).find("chmod 600"), std::string::npos);
}

/// Something that listens in the server's place, has seen no token, and answers each step as well as it can.
TEST_F(TcpSecurity, AnImpostorCannotPretendToHaveTheToken) {
  const RawListener listener;
  Member worker("tcp", 1, 0, token(secret));
  worker->open(listener.address(), soon());
  in_parallel(
      {[&] { expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_INVALID_ARGUMENT, "did not prove"); },
       [&] {
         RawPeer peer = listener.accept();
         EXPECT_EQ(peer.read_frame()->header.kind, FrameKind::join);
         peer.send(to_frame({FrameKind::challenge}, Bytes(32, 1)));
         const auto proof = peer.read_frame();
         ASSERT_TRUE(proof && proof->header.kind == FrameKind::proof);
         peer.send(to_frame({FrameKind::accept}, Bytes(proof->payload.begin(), proof->payload.end())));
       }});
}

TEST_F(TcpSecurity, ASecondChallengeIsNotAnswered) {
  const RawListener listener;
  Member worker("tcp", 1, 0, token(secret));
  worker->open(listener.address(), soon());
  in_parallel({[&] { expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_CLOSED, "unexpected frame"); },
               [&] {
                 RawPeer peer = listener.accept();
                 EXPECT_TRUE(peer.read_frame());
                 peer.send(to_frame({FrameKind::challenge}, Bytes(32, 1)));
                 EXPECT_TRUE(peer.read_frame());
                 peer.send(to_frame({FrameKind::challenge}, Bytes(32, 2)));
                 EXPECT_TRUE(peer.is_thrown_out());
               }});
}

/// Carries bytes between one worker and its server, and keeps what the worker sent.
Bytes recorded_session(const Values& given) {
  Member server = opened_server("tcp", 1, given), worker("tcp", 1, 0, given);
  const RawListener tap;
  Bytes record;
  in_parallel({[&] {
                 server->join(soon());
                 EXPECT_EQ(server->receive(member(0), soon()).size, 5u);
                 server->close(soon());
               },
               [&] {
                 worker->open(tap.address(), soon());
                 worker->join(soon());
                 worker->send(the_server, message(pattern(5, 0)), soon());
                 worker->close(soon());
               },
               [&] {
                 RawPeer from = tap.accept(), to(server->address());
                 std::thread back([&] { from.carry(to, nullptr); });
                 to.carry(from, &record);
                 back.join();
               }});
  return record;
}

TEST_F(TcpSecurity, ARecordedSessionCannotBeReplayed) {
  const Values given = token(secret);
  const Bytes record = recorded_session(given);
  ASSERT_GT(record.size(), 100u);
  const Log log;
  Member server = opened_server("tcp", 1, given), worker("tcp", 1, 0, given);
  in_parallel({[&] {
                 server->join(soon());
                 EXPECT_EQ(server->receive(member(0), soon()).size, 6u);
                 server->close(soon());
               },
               [&] {
                 RawPeer replay(server->address());
                 replay.send(record);
                 EXPECT_EQ(replay.read_frame()->header.kind, FrameKind::challenge);
                 const auto answer = replay.read_frame();
                 ASSERT_TRUE(answer && answer->header.kind == FrameKind::reject);
                 EXPECT_FALSE(replay.read_frame().has_value());
                 worker->open(server->address(), soon());
                 worker->join(soon());
                 worker->send(the_server, message(pattern(6, 0)), soon());
                 worker->close(soon());
               }});
  log.expect("its token is not the server's");
}

// ---- TLS

TEST_F(TcpSecurity, MembersWithCertificatesExchangeMessages) {
  expect_exchange(tls("server"), tls("worker"));
  expect_exchange(tls("server"), tls("server"));  // as threepc run does
}

TEST_F(TcpSecurity, TokenAndTlsGoTogether) {
  Values server = tls("server"), worker = tls("worker");
  server.merge(token(secret));
  worker.merge(token(secret));
  expect_exchange(server, worker);
  expect_failure(outcome_of_joining(server, tls("worker"), worker), TPC_INVALID_ARGUMENT, "asks for a token");
}

TEST_F(TcpSecurity, AServerOfAnotherCaIsNotTrusted) {
  make("other", {});
  const Log log;
  expect_failure(outcome_of_joining(tls("server"), tls("worker", "lab", "other"), tls("worker")), TPC_INVALID_ARGUMENT,
                 "not signed by [transport] ca");
  log.expect("does not accept the certificate of this side");
}

TEST_F(TcpSecurity, AWorkerOfAnotherCaIsRefused) {
  make("other", {});
  const Log log;
  expect_failure(outcome_of_joining(tls("server"), tls("worker", "other", "lab"), tls("worker")), TPC_INVALID_ARGUMENT,
                 "does not accept the certificate of this side");
  log.expect("shows a certificate that is not accepted");
}

TEST_F(TcpSecurity, AnExpiredCertificateIsNamed) {
  make("old", {}, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  const Log log;
  expect_failure(outcome_of_joining(tls("server"), tls("worker", "old", "lab"), tls("worker")), TPC_INVALID_ARGUMENT,
                 "does not accept the certificate of this side");
  Member server = opened_server("tcp", 1, tls("server", "old"));
  Member worker("tcp", 1, 0, tls("worker", "old"));
  worker->open(server->address(), soon());
  in_parallel({[&] { expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_INVALID_ARGUMENT, "has expired"); },
               [&] { EXPECT_EQ(outcome_of([&] { server->join(in(2)); }).status, TPC_TIMEOUT); }});
  log.expect("expired");
}

TEST_F(TcpSecurity, AServerMustBeTheHostThatWasConnectedTo) {
  make("elsewhere", {"elsewhere.lab"});
  const Log log;
  // 127.0.0.2 is this host as well, but no certificate says so.
  Values server = tls("server", "elsewhere");
  server["host"] = std::string("127.0.0.2");
  Member at = opened_server("tcp", 1, server), worker("tcp", 1, 0, tls("worker", "elsewhere"));
  worker->open(at->address(), soon());
  in_parallel({[&] {
                 expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_INVALID_ARGUMENT,
                                "it is not for '127.0.0.2'");
               },
               [&] { EXPECT_EQ(outcome_of([&] { at->join(in(2)); }).status, TPC_TIMEOUT); }});
  log.expect("does not accept the certificate of this side");
}

TEST_F(TcpSecurity, AHostNameIsCheckedToo) {
  const Values server = tls("server");
  Member at = opened_server("tcp", 1, server), worker("tcp", 1, 0, tls("worker"));
  const std::string address = at->address();
  in_parallel({[&] {
                 worker->open("localhost" + address.substr(address.rfind(':')), soon());
                 worker->join(soon());
                 worker->close(soon());
               },
               [&] { at->join(soon()), at->close(soon()); }});
}

TEST_F(TcpSecurity, AWorkersCertificateIsNoServers) {
  Member server = opened_server("tcp", 1, tls("worker")), worker("tcp", 1, 0, tls("worker"));
  worker->open(server->address(), soon());
  in_parallel({[&] { expect_failure(outcome_of([&] { worker->join(soon()); }), TPC_INVALID_ARGUMENT, "purpose"); },
               [&] { EXPECT_EQ(outcome_of([&] { server->join(in(2)); }).status, TPC_TIMEOUT); }});
}

TEST_F(TcpSecurity, AWorkerThatSpeaksNoTlsIsToldTo) {
  const Log log;
  expect_failure(outcome_of_joining(tls("server"), {}, tls("worker")), TPC_INVALID_ARGUMENT, "speaks TLS only");
  log.expect("does not speak TLS");
}

TEST_F(TcpSecurity, AServerThatSpeaksNoTlsIsNotJoined) {
  const Log log;
  const Outcome outcome = outcome_of_joining({}, tls("worker"), {});
  EXPECT_NE(outcome.status, TPC_OK);
  EXPECT_NE(outcome.text.find("[transport] ca, certificate and key"), std::string::npos) << outcome;
  log.expect("it speaks TLS, and this side is not set up for it");
}

/// What a TLS client without a certificate gets to see: whether the server let it in.
bool is_served_without_certificate(const std::string& address) {
  const RawPeer peer(address);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, peer.socket());
  // In TLS 1.3 the client is done before the server has judged it; what it reads tells.
  const bool greeted = SSL_connect(ssl) == 1;
  const Bytes join = RawPeer::join_frame(0, 1);
  std::uint8_t answer[64];
  const bool served = greeted && SSL_write(ssl, join.data(), static_cast<int>(join.size())) > 0 &&
                      SSL_read(ssl, answer, sizeof answer) > 0;
  SSL_free(ssl);
  SSL_CTX_free(context);
  return served;
}

/// A server with TLS waits while `meanwhile` is at its port; then its worker joins all the same.
void tls_server_survives(const Values& of_server, const Values& of_worker,
                         const std::function<void(const std::string& address)>& meanwhile) {
  Member server = opened_server("tcp", 1, of_server), worker("tcp", 1, 0, of_worker);
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

TEST_F(TcpSecurity, AClientWithoutACertificateIsRefused) {
  const Log log;
  tls_server_survives(tls("server"), tls("worker"),
                      [](const std::string& address) { EXPECT_FALSE(is_served_without_certificate(address)); });
  log.expect("shows no certificate");
}

TEST_F(TcpSecurity, WhatIsNoTlsIsThrownOut) {
  const Bytes hello = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03};
  Bytes giant = hello;
  giant[3] = giant[4] = 0xFF;
  giant.resize(1 << 20, 0x41);
  for (const Bytes& bytes : {pattern(1000, 1), Bytes(80, 'G'), giant, RawPeer::join_frame(0, 1), Bytes{}})
    tls_server_survives(tls("server"), tls("worker"), [&](const std::string& address) {
      RawPeer stranger(address);
      stranger.send(bytes);
      EXPECT_TRUE(stranger.is_thrown_out());
    });
}

TEST_F(TcpSecurity, ASlowTlsHandshakeIsEndedInTime) {
  const Bytes hello = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03};
  const Log log;
  tls_server_survives(tls("server"), tls("worker"), [&](const std::string& address) {
    RawPeer slow(address);
    const double begin = now_seconds();
    // A byte in 50 ms is a connection in use, for whoever only looks for silent ones.
    for (int i = 0; i < 400 && !slow.is_reset(); ++i) {
      slow.send({i < 11 ? hello[static_cast<std::size_t>(i)] : std::uint8_t{0x55}});
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(slow.is_thrown_out());
    EXPECT_LT(now_seconds() - begin, 18);
  });
  log.expect("did not join in time");
}

TEST_F(TcpSecurity, FilesThatCannotBeUsedAreNamed) {
  make("other", {});
  const auto made_with = [&](const std::string& key, const std::string& file) {
    Values given = tls("server");
    given[key] = file;
    return outcome_of([&] { Member("tcp", 1, TPC_SERVER, given); }).text;
  };
  const std::string garbage = write("garbage", "not a certificate");
  for (const std::string key : {"ca", "certificate", "key"})
    EXPECT_NE(made_with(key, garbage).find(garbage + " cannot be used"), std::string::npos) << made_with(key, garbage);
  EXPECT_NE(made_with("key", path("other/server.key")).find("key values mismatch"), std::string::npos);
  ::chmod(path("lab/server.key").c_str(), 0644);
  EXPECT_NE(made_with("ca", path("lab/ca.pem")).find("chmod 600"), std::string::npos);
}

TEST_F(TcpSecurity, HalfOfTlsIsRefused) {
  for (const std::string key : {"ca", "certificate", "key"}) {
    Values given = tls("server");
    given.erase(key);
    const Outcome outcome = outcome_of([&] { Member("tcp", 1, TPC_SERVER, given); });
    EXPECT_NE(outcome.text.find("there is no " + key), std::string::npos) << outcome;
  }
}

// ---- certificates

TEST_F(TcpSecurity, CertificatesAreNotOverwrittenAndKeysAreSecret) {
  EXPECT_THROW(make("lab", {}), threepc::Failure);
  testing::internal::GetCapturedStdout();
  for (const std::string who : {"ca", "server", "worker"}) {
    struct stat status {};
    ASSERT_EQ(::stat(path("lab/" + who + ".key").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << who;
  }
}

TEST_F(TcpSecurity, AHostWithAPortIsNoHost) {
  for (const std::string host : {"server.lab:5555", "a b", "", "DNS:x,IP:1.2.3.4"})
    EXPECT_THROW(threepc::cli::make_certificates({path("none"), {host}, 0, 1}), threepc::Failure) << host;
  EXPECT_FALSE(fs::exists(path("none")));
}

TEST_F(TcpSecurity, EachRankMayHaveItsOwnCertificate) {
  testing::internal::CaptureStdout();
  threepc::cli::make_certificates({path("ranks"), {}, 3, 1});
  testing::internal::GetCapturedStdout();
  expect_exchange(tls("server", "ranks"), tls("worker-2", "ranks"));
}

}  // namespace
}  // namespace transport_test
