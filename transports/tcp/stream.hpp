// What a connection reads from and writes to: a TCP socket, or TLS over one (tls.hpp).
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace threepc::tcp {

namespace asio = boost::asio;
using boost::system::error_code;

/// Bytes on all sockets of a member, frames and handshakes included.
struct WireCounters {
  std::uint64_t sent = 0, received = 0;
};

/// Why nothing more is exchanged.
struct Ending {
  std::string text;       // as after "the peer"
  bool is_final = false;  // it would be the same next time
};

/// Used by one thread. A handler is called from the io_context, never from within the call that was given it, also
/// when the stream is closed meanwhile; whoever gives one keeps the stream alive until then.
class Stream {
 public:
  using Greeted = std::function<void(const std::optional<Ending>& failure)>;
  using Done = std::function<void(const error_code&, std::size_t)>;

  explicit Stream(WireCounters& counters) : counters_(&counters) {}
  virtual ~Stream() = default;

  /// Comes before any reading and writing.
  virtual void greet(Greeted) = 0;
  virtual void read_some(asio::mutable_buffer, Done) = 0;
  /// All of it.
  virtual void write(asio::const_buffer, Done) = 0;
  virtual asio::ip::tcp::socket& socket() = 0;
  /// What differs between any two sessions and is the same on both ends of one; zeros where nothing does.
  virtual std::array<std::uint8_t, 32> binding() const { return {}; }
  /// Whether only the peer can read what is written.
  virtual bool is_secret() const { return false; }
  /// Its peer has joined: what comes from now on waits for nothing.
  virtual void leave_gate() {}
  /// Whether its peer has said something in the greeting.
  virtual bool has_begun() const { return false; }
  /// Whether something that has come waits for the strangers' turn.
  virtual bool waits() const { return false; }
  /// Why reading ended.
  virtual Ending explain(const error_code& error) const {
    return {error == asio::error::eof ? "closed the connection" : "lost the connection: " + error.message(), false};
  }

 protected:
  WireCounters* counters_;
};

class PlainStream final : public Stream {
 public:
  PlainStream(asio::ip::tcp::socket socket, WireCounters& counters) : Stream(counters), socket_(std::move(socket)) {}

  void greet(Greeted greeted) override {
    asio::post(socket_.get_executor(), [greeted = std::move(greeted)] { greeted(std::nullopt); });
  }
  void read_some(asio::mutable_buffer to, Done done) override {
    socket_.async_read_some(to, [counters = counters_, done = std::move(done)](const error_code& error, std::size_t n) {
      counters->received += n;
      done(error, n);
    });
  }
  void write(asio::const_buffer from, Done done) override {
    // Asio's own choice, 64 kB a call, makes a model of a million parameters a hundred calls.
    const auto at_once = [](const error_code& error, std::size_t) { return error ? 0 : std::size_t{4} << 20; };
    asio::async_write(socket_, from, at_once,
                      [counters = counters_, done = std::move(done)](const error_code& error, std::size_t n) {
                        counters->sent += n;
                        done(error, n);
                      });
  }
  asio::ip::tcp::socket& socket() override { return socket_; }

 private:
  asio::ip::tcp::socket socket_;
};

}  // namespace threepc::tcp
