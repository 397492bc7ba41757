#include "socket.hpp"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>

namespace threepc::shm {
namespace {

constexpr std::string_view prefix{"\0threepc-shm/", 13};
constexpr std::size_t longest_name = 80;

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;
};

bool printable(char c) { return c > ' ' && c <= '~'; }

Name name_of(std::string_view text) {
  if (text.empty() || text.size() > longest_name || !std::all_of(text.begin(), text.end(), printable))
    throw tpc::Error(TPC_INVALID_ARGUMENT, tpc::text("'", text, "' is no name for a server; expected 1 to ",
                                                     longest_name, " printable characters without spaces"));
  Name out;
  out.address.sun_family = AF_UNIX;
  std::copy(prefix.begin(), prefix.end(), out.address.sun_path);
  std::copy(text.begin(), text.end(), out.address.sun_path + prefix.size());
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + prefix.size() + text.size());
  return out;
}

Descriptor new_socket() {
  return checked(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "make a socket");
}

const sockaddr* raw(const Name& name) { return reinterpret_cast<const sockaddr*>(&name.address); }

/// A packet, with room for one descriptor beside it.
class Packet {
 public:
  Packet(void* data, std::size_t size) : part_{data, size} {
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
  }

  bool send(int socket, const Descriptor* attached) {
    if (attached != nullptr) attach(attached->number());
    return sendmsg(socket, &message_, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(part_.iov_len);
  }

  Socket::Arrival receive(int socket, Descriptor* attached) {
    message_.msg_control = control_;
    message_.msg_controllen = CMSG_LEN(sizeof(int));  // the kernel closes what is attached beyond one
    ssize_t size = 0;
    do size = recvmsg(socket, &message_, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Socket::Arrival::nothing;
    // Whatever was attached is ours to close.
    Descriptor found = detached();
    if (attached != nullptr) *attached = std::move(found);
    return size == static_cast<ssize_t>(part_.iov_len) ? Socket::Arrival::packet : Socket::Arrival::end;
  }

 private:
  void attach(int descriptor) {
    message_.msg_control = control_;
    message_.msg_controllen = sizeof control_;
    cmsghdr* const head = CMSG_FIRSTHDR(&message_);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  }

  Descriptor detached() {
    const cmsghdr* const head = CMSG_FIRSTHDR(&message_);
    if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) return {};
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
    return Descriptor(descriptor);
  }

  iovec part_;
  msghdr message_{};
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace

bool Socket::peer_is_same_user() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

void Socket::ring() const {
  const char bell = 0;
  // What it returns tells nothing new; see the declaration.
  static_cast<void>(::send(number(), &bell, sizeof bell, MSG_NOSIGNAL | MSG_DONTWAIT));
}

bool Socket::hear() const {
  char bell = 0;
  for (;;) {
    const ssize_t size = recv(number(), &bell, sizeof bell, MSG_DONTWAIT);
    if (size > 0 || (size < 0 && errno == EINTR)) continue;
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
}

Socket::Arrival Socket::receive(Hello& out) const { return Packet(&out, sizeof out).receive(number(), nullptr); }

Socket::Arrival Socket::receive(Answer& out, Descriptor& segment) const {
  return Packet(&out, sizeof out).receive(number(), &segment);
}

bool Socket::send(const Hello& hello) const {
  Hello copy = hello;
  return Packet(&copy, sizeof copy).send(number(), nullptr);
}

bool Socket::send(const Answer& answer, const Descriptor* segment) const {
  Answer copy = answer;
  return Packet(&copy, sizeof copy).send(number(), segment);
}

Descriptor listen_at(std::string_view name) {
  const Name address = name_of(name);
  Descriptor listener = new_socket();
  if (bind(listener.number(), raw(address), address.size) != 0) {
    if (errno == EADDRINUSE)
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       tpc::text("the name '", name, "' is in use by another server on this host; choose another"));
    throw system_error(tpc::text("listen under the name '", name, "'"));
  }
  if (listen(listener.number(), SOMAXCONN) != 0) throw system_error(tpc::text("listen under the name '", name, "'"));
  return listener;
}

std::optional<Socket> accept_from(const Descriptor& listener) {
  const int number = accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (number < 0) return std::nullopt;
  return Socket(Descriptor(number));
}

std::optional<Socket> connect_to(std::string_view name) {
  const Name address = name_of(name);
  Descriptor socket = new_socket();
  if (connect(socket.number(), raw(address), address.size) == 0) return Socket(std::move(socket));
  if (errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR) return std::nullopt;
  throw system_error(tpc::text("reach the server '", name, "'"));
}

std::string fresh_name() {
  std::uint64_t words[2];
  if (getrandom(words, sizeof words, 0) != sizeof words) throw system_error("draw a random name");
  std::ostringstream text;
  text << std::hex << words[0] << words[1];
  return text.str();
}

}  // namespace threepc::shm
