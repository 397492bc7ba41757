// How a worker finds its server and is taken in.
#pragma once

#include <string.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <utility>

#include "descriptor.hpp"
#include "events.hpp"
#include "socket.hpp"

namespace threepc::shm {

/// What a server gives a worker that it takes in.
struct Invitation {
  Socket socket;
  Descriptor file;     // of the shared memory; not checked yet
  std::uint64_t ring;  // bytes of each direction, as the server says
};

/// One attempt. Everything outlives it; `cancelled` is looked at whenever `events` wakes.
class Joining {
 public:
  Joining(const tpc_host& host, const Events& events, const std::string& name, std::uint32_t rank,
          std::uint32_t workers, const std::atomic<bool>& cancelled)
      : host_(&host),
        events_(&events),
        name_(&name),
        hello_{.rank = rank, .workers = workers},
        cancelled_(&cancelled) {}

  /// Throws tpc::Error: TPC_TIMEOUT, TPC_CLOSED, or TPC_INVALID_ARGUMENT if the server refuses.
  ///
  /// A server under siege may have made room for others before it heard this worker; while it listens it is asked
  /// again.
  Invitation join(tpc::Deadline deadline) {
    Socket socket = connect_until(deadline);
    Answer answer;
    Descriptor file;
    while (!is_answered(socket, answer, file, deadline)) {
      sleep_until(host_->now() + pause_of_retry());
      std::optional<Socket> again = connect_to(*name_);
      if (!again) throw tpc::Error(TPC_CLOSED, "the server '" + *name_ + "' closed the connection");
      socket = std::move(*again);
    }
    if (answer.ring == 0)
      throw tpc::Error(
          TPC_INVALID_ARGUMENT,
          tpc::text("the server refused this worker: ",
                    std::string_view(answer.refusal.data(), strnlen(answer.refusal.data(), answer.refusal.size()))));
    return {std::move(socket), std::move(file), answer.ring};
  }

 private:
  void sleep_until(std::int64_t deadline) const {
    events_->wait(
        milliseconds_between(host_->now(), deadline), [] {}, [](Tag) {});
    if (*cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
  }

  /// Tries until the deadline: a worker may be started before its server.
  Socket connect_until(tpc::Deadline deadline) const {
    std::int64_t pause = 10 * millisecond;
    for (;; pause = std::min(2 * pause, 500 * millisecond)) {
      if (*cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
      if (std::optional<Socket> socket = connect_to(*name_)) return std::move(*socket);
      const std::int64_t now = host_->now();
      if (now >= deadline.at)
        throw tpc::Error(TPC_TIMEOUT,
                         "no server of the name '" + *name_ + "' on this host; start it, or correct --connect");
      sleep_until(std::min(deadline.at, now + pause));
    }
  }

  /// False: the server has closed the connection.
  bool is_answered(const Socket& socket, Answer& answer, Descriptor& file, tpc::Deadline deadline) const {
    if (!socket.peer_is_same_user())
      throw tpc::Error(
          TPC_INVALID_ARGUMENT,
          "the server '" + *name_ + "' belongs to another user; shared memory is for one user's processes");
    socket.send(hello_);
    events_->watch(socket.number(), {Source::stranger});
    for (;;) {
      const Socket::Arrival arrival = socket.receive(answer, file);
      if (arrival != Socket::Arrival::nothing) return arrival == Socket::Arrival::packet;
      if (host_->now() >= deadline.at) throw tpc::Error(TPC_TIMEOUT, "the server '" + *name_ + "' does not answer");
      sleep_until(deadline.at);
    }
  }

  /// Not all at the same moment.
  std::int64_t pause_of_retry() const { return 50 * millisecond + host_->now() % (100 * millisecond); }

  const tpc_host* host_;
  const Events* events_;
  const std::string* name_;
  Hello hello_;
  const std::atomic<bool>* cancelled_;
};

}  // namespace threepc::shm
