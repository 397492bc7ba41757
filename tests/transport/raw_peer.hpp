// The other end of a TCP connection without a transport: what a stranger, a broken or a hostile peer can do.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "members.hpp"
#include "tcp/frame.hpp"

namespace transport_test {

using threepc::tcp::Decoded;
using threepc::tcp::FrameKind;

/// A connected socket of 127.0.0.1. Reads and writes give up after half a minute.
class RawPeer {
 public:
  explicit RawPeer(int socket) : socket_(socket) { limit_waiting(); }
  explicit RawPeer(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    limit_waiting();
    const sockaddr_in to = loopback(std::stoi(address.substr(address.rfind(':') + 1)));
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  RawPeer(RawPeer&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        arrived_(std::move(other.arrived_)),
        taken_(other.taken_) {}
  RawPeer& operator=(RawPeer&&) = delete;
  ~RawPeer() { close(); }

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  bool connected() const { return connected_; }
  int socket() const { return socket_; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  void send(const Bytes& bytes) const {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t now = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return;  // it has been thrown out, which reading tells
      sent += static_cast<std::size_t>(now);
    }
  }

  /// The next frame; none when the other side has ended the connection or sends nothing.
  std::optional<Decoded> read_frame() {
    arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<std::ptrdiff_t>(std::exchange(taken_, 0)));
    while (true) {
      const Decoded frame = threepc::tcp::decode_frame(arrived_, 1 << 30);
      if (frame.state == Decoded::State::bad) return std::nullopt;
      if (frame.state == Decoded::State::frame) {
        taken_ = frame.size;
        return frame;
      }
      if (!read_some()) return std::nullopt;
    }
  }

  /// True when the other side ends the connection, whatever it sends before.
  bool is_thrown_out() {
    while (read_some()) arrived_.clear();
    return ended_;
  }

  /// Whether the other side has ended the connection; does not wait.
  bool is_reset() const {
    char byte;
    const ssize_t size = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN);
  }

  /// Sends on what `from` sends until that ends, then says that no more will come; appends it to `record`.
  void carry(const RawPeer& from, Bytes* record) const {
    Bytes chunk(4096);
    for (ssize_t size = 0; (size = ::recv(from.socket_, chunk.data(), chunk.size(), 0)) > 0;) {
      const Bytes part(chunk.begin(), chunk.begin() + size);
      send(part);
      if (record != nullptr) record->insert(record->end(), part.begin(), part.end());
    }
    ::shutdown(socket_, SHUT_WR);
  }

  /// Joins as worker `rank` and waits for the answer. The server is in join meanwhile.
  void join(std::uint32_t rank, std::uint32_t workers, std::uint64_t instance = 1) {
    send(join_frame(rank, workers, instance));
    const auto answer = read_frame();
    EXPECT_TRUE(answer && answer->header.kind == FrameKind::accept);
  }

  static Bytes join_frame(std::uint32_t rank, std::uint32_t workers, std::uint64_t instance = 1) {
    return threepc::tcp::to_frame({FrameKind::join, member(rank)},
                                  threepc::tcp::to_bytes(threepc::tcp::Join{rank, workers, instance, {}}));
  }

 private:
  void limit_waiting() const {
    const timeval limit = {30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }

  bool read_some() {
    std::uint8_t chunk[4096];
    const ssize_t size = ::recv(socket_, chunk, sizeof chunk, 0);
    if (size > 0) arrived_.insert(arrived_.end(), chunk, chunk + size);
    if (size == 0 || (size < 0 && errno == ECONNRESET)) ended_ = true;
    return size > 0;
  }

  int socket_;
  bool connected_ = true;
  bool ended_ = false;
  Bytes arrived_;
  std::size_t taken_ = 0;
};

/// A port of 127.0.0.1 that listens, and takes one connection at a time.
class RawListener {
 public:
  explicit RawListener(int family = AF_INET) : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = RawPeer::loopback(0);
    ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(socket_, 16);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() { ::close(socket_); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  RawPeer accept() const { return RawPeer(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  int socket_;
  int port_ = 0;
};

/// Another process that runs `body`, then waits to be killed; gone with this object at the latest. Only while
/// this process has no other threads.
class Process {
 public:
  explicit Process(const std::function<void()>& body) : id_(::fork()) {
    if (id_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close_range(3, ~0u, 0);  // the server's sockets, which would stay open here
    body();
    while (true) ::pause();
  }
  ~Process() {
    signal(SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const { ::kill(id_, number); }

 private:
  pid_t id_;
};

}  // namespace transport_test
