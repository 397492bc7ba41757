// Members of a run as processes that speak TCP. The server serves all workers from one event loop.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "../links.hpp"
#include "address.hpp"
#include "connection.hpp"
#include "door.hpp"
#include "joining.hpp"
#include "loop.hpp"
#include "terms.hpp"

namespace threepc::tcp {
namespace {

struct Options {
  std::string_view host = "127.0.0.1";
  std::int64_t port = 0;
  std::int64_t max_message = std::int64_t{1} << 32;
  double keepalive = 10;
  std::optional<tpc::Path> token_file, ca, certificate, key;
  bool insecure = false;
};

std::optional<std::string> file_of(const std::optional<tpc::Path>& path) {
  return path ? std::optional<std::string>(path->file) : std::nullopt;
}

std::unique_ptr<const Tls> tls_of(const Options& options) {
  if (!options.ca && !options.certificate && !options.key) return nullptr;
  const char* const missing = !options.ca            ? "ca"
                              : !options.certificate ? "certificate"
                              : !options.key         ? "key"
                                                     : nullptr;
  if (missing != nullptr)
    throw tpc::BadParameter(missing, tpc::text("TLS needs [transport] ca, certificate and key, and there is no ",
                                               missing, "; threepc certs --help shows how to make them"));
  return std::make_unique<const Tls>(
      TlsFiles{std::string(options.ca->file), std::string(options.certificate->file), std::string(options.key->file)});
}

Terms terms_of(const Options& options, const tpc::Setup& setup) {
  return {&setup.host(),
          setup.workers(),
          setup.worker(),
          static_cast<std::uint64_t>(options.max_message),
          static_cast<int>(options.keepalive),
          Token::find(file_of(options.token_file)),
          tls_of(options),
          options.insecure};
}

class Tcp : private Door::Keeper {
 public:
  static constexpr tpc::About about = {
      .id = "tcp",
      .version = "1.1.0",
      .summary = "Workers as processes, on one host or several, over TCP (IPv4 or IPv6).",
      .capabilities = TPC_REJOINS};
  static constexpr auto params = tpc::params(
      tpc::param<&Options::host>(
          "host", "the server's host: where it binds, and where a worker without --connect looks for it"),
      tpc::param<&Options::port>("port", "the server's port; 0 takes a free one", {.minimum = 0, .maximum = 65535}),
      tpc::param<&Options::max_message>("max_message",
                                        "a longer message is refused; raise it for a dense model beyond 4 GiB",
                                        {.unit = "bytes", .minimum = 1024, .maximum = 1e15}),
      tpc::param<&Options::keepalive>("keepalive",
                                      "how soon a peer whose host or link is gone counts as lost; raise it for links "
                                      "that fail for longer than that and come back",
                                      {.unit = "s", .minimum = 3, .maximum = 3600}),
      tpc::param<&Options::token_file>(
          "token_file",
          "holds a secret that members prove to have when they join; only its owner may "
          "read it; without it the environment's THREEPC_TOKEN is taken, which threepc run draws "
          "if it is not set"),
      tpc::param<&Options::ca>("ca",
                               "certificates that sign those of the other side (PEM); with certificate and key: "
                               "TLS 1.3, both sides show who they are"),
      tpc::param<&Options::certificate>("certificate", "of this member, and what leads from it to the ca (PEM)"),
      tpc::param<&Options::key>("key", "private key of the certificate (PEM); only its owner may read it"),
      tpc::param<&Options::insecure>("insecure", "listen though neither a token nor TLS keeps strangers out"));

  Tcp(const Options& options, const tpc::Setup& setup)
      : terms_(terms_of(options, setup)),
        configured_{std::string(options.host), std::to_string(options.port)},
        links_(terms_.workers, terms_.rank),
        peers_(links_.size()),
        held_(peers_.size()) {
    for (Peer& peer : peers_) peer.longest_message = terms_.longest_message;
  }

  void open(std::string_view address, tpc::Deadline) {
    address_ = address.empty() ? configured_ : parse_address(address);
    if (is_server())
      door_.open(address_);
    else if (address_.port == "0")
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       "the server's port is not known; give it with --connect HOST:PORT, or set [transport] port");
    else
      address_ = reachable(address_);
    watch_links();
  }

  std::string address() const { return address_.text(); }

  void join(tpc::Deadline deadline) {
    if (is_server())
      await_workers(deadline);
    else
      joining_.join(address_, deadline), peers_.front().limit();
  }

  void limit(std::uint32_t from, std::uint64_t bytes) {
    Peer& peer = peers_[links_.index_of(from)];
    peer.longest_message = std::min(bytes, terms_.longest_message);
    peer.limit();
  }

  void send(std::uint32_t to, const tpc_message& message, tpc::Deadline deadline) {
    enqueue(to, framed(message), message.size, deadline);
    const Connection& peer = *connected(links_.index_of(to));
    // A peer that is gone may have said why: what it sent is read first.
    if (peer.ended() && !peer.has_message()) throw tpc::Error(TPC_CLOSED, name_of(to) + " " + peer.reason());
  }

  /// A worker that is gone, or has not come yet, is passed over, and receive tells; the others get their message.
  void broadcast(const tpc_message& message, tpc::Deadline deadline) {
    links_.require_server();
    const auto shared = framed(message);
    for (std::uint32_t worker = 0; worker < terms_.workers; ++worker)
      if (peers_[worker].connection != nullptr) enqueue(tpc::member_of_worker(worker), shared, message.size, deadline);
  }

  tpc_message receive(std::uint32_t from, tpc::Deadline deadline) {
    const std::size_t at = links_.index_of(from);
    const Peer& peer = peers_[at];
    // Whoever was lost may have come back: even when there is nothing to wait for, it is let in.
    if (peer.connection == nullptr || !peer.connection->has_message()) poll();
    connected(at);
    wait(deadline, "no message from " + name_of(from),
         [&] { return peer.connection->has_message() || peer.connection->ended(); });
    if (!peer.connection->has_message()) throw tpc::Error(TPC_CLOSED, name_of(from) + " " + tell_loss(at));
    held_[at] = peer.connection->take_message();
    payload_received_ += held_[at].size;
    return {sizeof(tpc_message), held_[at].type, held_[at].round, held_[at].data(), held_[at].size};
  }

  /// Any thread.
  void cancel() noexcept { loop_.cancel(); }

  tpc_traffic traffic() const {
    return {sizeof(tpc_traffic), 0, payload_sent_, payload_received_, wire_.sent, wire_.received};
  }

  /// Sends what is queued and a goodbye, then waits for the others' end, so that nothing is reset in flight.
  void close(tpc::Deadline deadline) {
    door_.close();
    const std::vector<std::shared_ptr<Connection>> open = open_connections();
    for (const auto& connection : open) {
      connection->send(shared_frame(FrameKind::goodbye, terms_.member()));
      connection->finish_sending();
    }
    wait(deadline, "a peer does not close its connection",
         [&] { return std::all_of(open.begin(), open.end(), [](const auto& one) { return one->ended(); }); });
    poll();  // the counters of what was written last
  }

 private:
  static constexpr std::size_t most_queued = std::size_t{64} << 20;  // bytes waiting for one slow peer

  /// Another member. One that has joined again while the caller does not know yet of its loss waits in `next`.
  struct Peer {
    std::shared_ptr<Connection> connection, next;
    std::uint64_t instance = 0;         // of the one that joined last
    std::uint64_t longest_message = 0;  // bytes
    bool loss_told = false;
    void limit() const {
      for (const auto& each : {connection, next})
        if (each) each->limit(longest_message);
    }
    const std::shared_ptr<Connection>& latest() const { return next ? next : connection; }
  };

  bool is_server() const { return links_.is_server(); }

  /// Keep-alive does not see a link that is cut while something is on its way.
  void watch_links() {
    watch_.expires_after(std::chrono::milliseconds(terms_.keepalive * 1000 / 8));
    watch_.async_wait([this](const error_code& error) {
      if (error) return;
      for (const auto& connection : open_connections()) connection->end_if_cut_off();
      watch_links();
    });
  }

  template <class Done>
  void wait(tpc::Deadline deadline, const std::string& late, Done done) {
    loop_.wait(deadline, late, done);
  }
  void poll() { loop_.poll(1000 + terms_.workers); }

  const std::shared_ptr<Connection>& connected(std::size_t at) const {
    if (peers_[at].connection == nullptr) throw tpc::Error(TPC_CLOSED, "not joined");
    return peers_[at].connection;
  }

  std::vector<std::shared_ptr<Connection>> open_connections() const {
    std::vector<std::shared_ptr<Connection>> open;
    for (const Peer& peer : peers_)
      for (const auto& connection : {peer.connection, peer.next})
        if (connection && !connection->ended()) open.push_back(connection);
    return open;
  }

  /// Why the peer is lost. The caller knows now, so that the next that it hears is from the one that has come back.
  std::string tell_loss(std::size_t at) {
    Peer& peer = peers_[at];
    const std::string reason = peer.connection->reason();
    peer.loss_told = peer.next == nullptr;
    if (peer.next) peer.connection = std::move(peer.next);
    return reason;
  }

  std::shared_ptr<const Bytes> framed(const tpc_message& message) const {
    return shared_frame({FrameKind::message, terms_.member(), message.type, message.round},
                        {message.data, message.size});
  }

  void enqueue(std::uint32_t to, const std::shared_ptr<const Bytes>& bytes, std::uint64_t payload,
               tpc::Deadline deadline) {
    require_length(payload, terms_.longest_message);
    const std::shared_ptr<Connection> peer = connected(links_.index_of(to));
    if (peer->queued_bytes() > 0) poll();  // what has left in the meantime makes room for this one to leave at once
    wait(deadline, name_of(to) + " does not read what it is sent",
         [&] { return peer->queued_bytes() < most_queued || peer->ended(); });
    if (peer->ended()) return;
    peer->send(bytes);
    payload_sent_ += payload;
  }

  void take_in(const Join& join, const std::shared_ptr<Connection>& worker) override {
    Peer& peer = peers_[join.rank];
    const bool again = peer.connection != nullptr;
    if (again) peer.latest()->end("has joined again from " + worker->name(), Fault::left);
    const bool loss_is_known = !again || !complete_ || peer.loss_told;
    (loss_is_known ? peer.connection : peer.next) = worker;
    peer.instance = join.instance;
    peer.loss_told = false;
    peer.limit();
    terms_.log(TPC_LOG_INFO, tpc::text(name_of(tpc::member_of_worker(join.rank)),
                                       again ? " joined again from " : " joined from ", worker->name()));
  }

  std::optional<Reject> objection(const Join& join) const override {
    if (join.workers != terms_.workers)
      return Reject{Refusal::final, tpc::text("this run has ", terms_.workers,
                                              " workers, the one that wants to join expects ", join.workers)};
    if (join.rank >= terms_.workers)
      return Reject{Refusal::final, tpc::text("rank ", join.rank, " is out of range: this run has ", terms_.workers,
                                              " workers, ranks 0 to ", terms_.workers - 1)};
    const Peer& peer = peers_[join.rank];
    const auto& holder = peer.latest();
    if (holder != nullptr && !holder->ended() && peer.instance != join.instance)
      return Reject{Refusal::rank_taken, tpc::text("rank ", join.rank, " has already joined from ", holder->name())};
    return std::nullopt;
  }

  void await_workers(tpc::Deadline deadline) {
    const auto is_there = [this](std::uint32_t rank) { return peers_[rank].connection != nullptr; };
    door_.expect_members(true);
    try {
      wait(deadline, "", [&] {
        return std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.connection != nullptr; });
      });
      door_.expect_members(false);
      complete_ = true;
    } catch (const tpc::Error& error) {
      door_.expect_members(false);
      if (error.status() != TPC_TIMEOUT) throw;
      throw tpc::Error(TPC_TIMEOUT, not_joined(links_.missing(is_there)) + " " + address_.text());
    }
  }

  const Terms terms_;
  const Address configured_;
  Address address_;
  WireCounters wire_;  // before the loop: handlers that it destroys refer to it
  Loop loop_;
  asio::steady_timer watch_{loop_.io()};
  const Star links_;
  std::vector<Peer> peers_;                 // by rank; a worker's only one is the server
  std::vector<Inbound> held_;               // the last message of each, which the caller still looks at
  bool complete_ = false;                   // server: all workers have joined once
  Door door_{loop_, terms_, wire_, *this};  // server
  Joining joining_{loop_, terms_, wire_, peers_.front().connection};  // worker
  std::uint64_t payload_sent_ = 0, payload_received_ = 0;
};

}  // namespace
}  // namespace threepc::tcp

THREEPC_PLUGINS(tpc::transport<threepc::tcp::Tcp>);
