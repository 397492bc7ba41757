// Peers that vanish without a word: a host that lost power, a cable that was pulled.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

namespace threepc::tcp {

/// The kernel probes an idle peer, and ends the connection when it has been silent for `seconds` (at least 3).
inline void keep_alive(int socket, int seconds) {
  const int on = 1, idle = seconds / 3, interval = std::max(1, seconds / 10), probes = (seconds - idle) / interval;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/// Whether something is to be delivered and the peer's kernel has acknowledged nothing for `seconds`. While that is so
/// there are no keep-alive probes, and Linux would try for a quarter of an hour. TCP_USER_TIMEOUT is no way out: it
/// also ends the connection of a peer that is alive and only too busy to read. That one answers what is sent, be it a
/// probe of its window; an acknowledgement is then never older than a third of `seconds` when something new is sent.
inline bool is_cut_off(int socket, int seconds) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  // Where the route is gone nothing gets on its way: then the kernel probes, and counts what is not answered.
  const bool unanswered = info.tcpi_unacked > 0 || info.tcpi_probes >= 3;
  return unanswered && info.tcpi_last_ack_recv >= static_cast<unsigned>(seconds) * 1000;
}

}  // namespace threepc::tcp
