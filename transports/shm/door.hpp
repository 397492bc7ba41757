// The server's door: it listens, hears who has connected, and lets in who belongs to the run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>
#include <utility>

#include "../faults.hpp"
#include "../file_limit.hpp"
#include "events.hpp"
#include "socket.hpp"

namespace threepc::shm {

class Door {
 public:
  /// Who decides about a worker that has said who it is.
  class Keeper {
   public:
    virtual ~Keeper() = default;
    /// Why it does not fit the run as it is now; "" if it does.
    virtual std::string objection(const Hello& hello) = 0;
    /// Takes it in, or refuses it. False: not yet, it has to wait.
    virtual bool admit(std::uint32_t rank, Socket& socket) = 0;
  };

  /// All outlive the door.
  Door(const Events& events, const tpc_host& host, std::uint32_t workers, Keeper& keeper)
      : events_(&events), host_(&host), workers_(workers), keeper_(&keeper), faults_(host, "shm") {}

  void open(const std::string& name) {
    listener_ = listen_at(name);
    events_->watch(listener_.number(), {Source::listener});
    if (const std::string warning = allow_connections(workers_); !warning.empty()) log(warning);
  }

  void close() {
    listener_.reset();
    accept_again_ = 0;
    strangers_.clear();
    faults_.count_up();
  }

  /// Who has connected; not without end, since a flood of connections always has more: members come first.
  void accept() {
    for (int i = 0; i < most_at_once; ++i)
      if (std::optional<Socket> socket = accept_from(listener_))
        meet(std::move(*socket));
      else
        return after_last();
    accept_after(pause_in_flood);
  }

  /// The stranger with this number has spoken, or is gone.
  void hear(std::uint32_t number) {
    const auto at = strangers_.find(number);
    if (at != strangers_.end() && is_done(at->second)) strangers_.erase(at);
  }

  /// Those who may join now do, those who stayed silent go, and a pause of accepting ends.
  void attend() {
    const std::int64_t now = host_->now();
    for (auto at = strangers_.begin(); at != strangers_.end();) {
      Stranger& stranger = at->second;
      const bool over = stranger.rank ? keeper_->admit(*stranger.rank, stranger.socket) : now >= stranger.expires;
      at = over ? strangers_.erase(at) : std::next(at);
    }
    if (accept_again_ == 0 || now < accept_again_ || !listener_) return;
    accept_again_ = 0;
    events_->watch(listener_.number(), {Source::listener});
  }

  /// When attend() has something to do at the latest, if not at `deadline`.
  std::int64_t next_attention(std::int64_t deadline) const {
    if (const auto silent = oldest_silent(); silent != strangers_.end())
      deadline = std::min(deadline, silent->second.expires);
    return accept_again_ > 0 ? std::min(deadline, accept_again_) : deadline;
  }

  void refuse(const Socket& socket, std::uint32_t rank, const std::string& fault) {
    const std::string who = tpc::text("worker ", rank);
    faults_.note(who, Fault::refused, who, "was refused: " + fault);
    Answer answer;
    fault.copy(answer.refusal.data(), answer.refusal.size() - 1);
    socket.send(answer, nullptr);
  }

 private:
  static constexpr int most_at_once = 64;
  static constexpr std::int64_t handshake_time = 5'000 * millisecond;  // ns
  static constexpr std::int64_t pause_in_flood = 5 * millisecond;      // ns, after so many
  static constexpr std::int64_t pause_of_accept = 100 * millisecond;   // ns, when the system refuses to accept

  /// Who has connected and not joined. One that may join only when the server knows that its predecessor is lost
  /// waits with its rank.
  struct Stranger {
    Socket socket;
    std::int64_t expires;
    std::optional<std::uint32_t> rank;
  };

  void log(const std::string& warning) const { host_->log(TPC_LOG_WARNING, "shm", warning.c_str()); }

  void meet(Socket socket) {
    if (!socket.peer_is_same_user())
      return faults_.note("processes of other users", Fault::refused, "a process of another user", "was refused");
    make_room();
    events_->watch(socket.number(), {Source::stranger, ++last_stranger_});
    strangers_.emplace(last_stranger_, Stranger{std::move(socket), host_->now() + handshake_time, std::nullopt});
  }

  /// A worker speaks at once, but it may not have been heard yet: only who has really said nothing makes room, and who
  /// has been silent for longest first.
  void make_room() {
    if (strangers_.size() < workers_ + std::size_t{more_strangers}) return;
    for (auto at = strangers_.begin(); at != strangers_.end();)
      at = !at->second.rank && is_done(at->second) ? strangers_.erase(at) : std::next(at);
    if (strangers_.size() < workers_ + std::size_t{more_strangers}) return;
    const auto silent = oldest_silent();
    strangers_.erase(silent != strangers_.end() ? silent : strangers_.cbegin());
  }

  std::map<std::uint32_t, Stranger>::const_iterator oldest_silent() const {
    return std::find_if(strangers_.begin(), strangers_.end(), [](const auto& each) { return !each.second.rank; });
  }

  /// Hears it; whether there is no more to do about it.
  bool is_done(Stranger& stranger) {
    Hello hello;
    const Socket::Arrival arrival = stranger.socket.receive(hello);
    if (arrival == Socket::Arrival::nothing) return false;
    if (arrival == Socket::Arrival::end || stranger.rank) return true;
    if (const std::string fault = keeper_->objection(hello); !fault.empty())
      return refuse(stranger.socket, hello.rank, fault), true;
    stranger.rank = hello.rank;
    stranger.expires = INT64_MAX;
    return keeper_->admit(hello.rank, stranger.socket);
  }

  void after_last() {
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) accept_later();
  }

  /// Out of descriptors, say: trying again at once would only burn the processor.
  void accept_later() {
    log(tpc::text("cannot take in who connects: ", std::strerror(errno), "; trying again"));
    accept_after(pause_of_accept);
  }

  void accept_after(std::int64_t pause) {
    events_->forget(listener_.number());
    accept_again_ = host_->now() + pause;
  }

  const Events* events_;
  const tpc_host* host_;
  std::uint32_t workers_;
  Keeper* keeper_;
  FaultLog faults_;
  Descriptor listener_;
  std::int64_t accept_again_ = 0;  // when the listener is watched again; 0: it is
  std::map<std::uint32_t, Stranger> strangers_;
  std::uint32_t last_stranger_ = 0;
};

}  // namespace threepc::shm
