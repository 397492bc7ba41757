// Members of a run as processes that speak TCP. The server serves all workers from one event loop, which runs
// in the thread that calls it, while it waits; there is no other thread.
#include <algorithm>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "../ranks.hpp"
#include "address.hpp"
#include "connection.hpp"
#include "faults.hpp"
#include "file_limit.hpp"
#include "frame.hpp"
#include "identity.hpp"
#include "strangers.hpp"
#include "tls.hpp"
#include "token.hpp"

namespace threepc::tcp {
namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Clock = std::chrono::steady_clock;

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

Clock::time_point time_point(tpc::Deadline deadline) {
  return Clock::time_point(std::chrono::nanoseconds(deadline.at));
}

std::shared_ptr<const Bytes> frame(FrameKind kind, std::uint32_t sender, std::span<const std::uint8_t> payload = {}) {
  return std::make_shared<const Bytes>(to_frame({kind, sender}, payload));
}

class Tcp {
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
      tpc::param<&Options::token_file>("token_file",
                                       "holds a secret that members prove to have when they join; only its owner may "
                                       "read it; without it the environment's THREEPC_TOKEN is taken, if set"),
      tpc::param<&Options::ca>("ca",
                               "certificates that sign those of the other side (PEM); with certificate and key: "
                               "TLS 1.3, both sides show who they are"),
      tpc::param<&Options::certificate>("certificate", "of this member, and what leads from it to the ca (PEM)"),
      tpc::param<&Options::key>("key", "private key of the certificate (PEM); only its owner may read it"),
      tpc::param<&Options::insecure>("insecure",
                                     "listen beyond this host though neither a token nor TLS keeps strangers out"));

  Tcp(const Options& options, const tpc::Setup& setup)
      : host_(&setup.host()),
        workers_(setup.workers()),
        rank_(setup.worker()),
        longest_(static_cast<std::uint64_t>(options.max_message)),
        keepalive_(static_cast<int>(options.keepalive)),
        configured_{std::string(options.host), std::to_string(options.port)},
        token_(Token::find(file_of(options.token_file))),
        tls_(tls_of(options)),
        insecure_(options.insecure),
        faults_(setup.host()),
        work_(asio::make_work_guard(io_)),
        peers_(is_server() ? workers_ : 1),
        held_(peers_.size()) {}

  void open(std::string_view address, tpc::Deadline) {
    address_ = address.empty() ? configured_ : parse_address(address);
    if (is_server())
      listen();
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
      join_server(deadline);
  }

  void send(std::uint32_t to, const tpc_message& message, tpc::Deadline deadline) {
    enqueue(to,
            std::make_shared<const Bytes>(to_frame({FrameKind::message, own_member(), message.type, message.round},
                                                   {message.data, message.size})),
            message.size, deadline);
    const Connection& peer = *connected(index_of(to));
    // A peer that is gone may have said why: what it sent is read first.
    if (peer.ended() && !peer.has_message()) throw tpc::Error(TPC_CLOSED, name_of(to) + " " + peer.reason());
  }

  /// A worker that is gone, or has not come yet, is passed over, and receive tells; the others get their message.
  void broadcast(const tpc_message& message, tpc::Deadline deadline) {
    if (!is_server()) throw tpc::Error(TPC_UNSUPPORTED, "only the server broadcasts");
    const auto shared = std::make_shared<const Bytes>(
        to_frame({FrameKind::message, own_member(), message.type, message.round}, {message.data, message.size}));
    for (std::uint32_t worker = 0; worker < workers_; ++worker)
      if (peers_[worker].connection != nullptr) enqueue(tpc::member_of_worker(worker), shared, message.size, deadline);
  }

  tpc_message receive(std::uint32_t from, tpc::Deadline deadline) {
    const std::size_t at = index_of(from);
    const Peer& peer = peers_[at];
    // Whoever was lost may have come back: even when there is nothing to wait for, it is let in.
    if (peer.connection == nullptr || !peer.connection->has_message()) poll();
    connected(at);
    wait(deadline, "no message from " + name_of(from),
         [&] { return peer.connection->has_message() || peer.connection->ended(); });
    if (!peer.connection->has_message()) throw tpc::Error(TPC_CLOSED, name_of(from) + " " + tell_loss(at));
    held_[at] = peer.connection->take_message();
    payload_received_ += held_[at].size();
    return {sizeof(tpc_message), held_[at].type, held_[at].round, held_[at].data(), held_[at].size()};
  }

  /// Any thread: a flag and a thread-safe post that wakes the loop to see it.
  void cancel() noexcept {
    cancelled_ = true;
    asio::post(io_, [] {});
  }

  tpc_traffic traffic() const {
    return {sizeof(tpc_traffic), 0, payload_sent_, payload_received_, wire_.sent, wire_.received};
  }

  /// Sends what is queued and a goodbye, then waits for the others' end, so that nothing is reset in flight.
  void close(tpc::Deadline deadline) {
    acceptor_.reset();
    strangers_.end_all("came too late");
    faults_.count_up();
    const std::vector<std::shared_ptr<Connection>> open = open_connections();
    for (const auto& connection : open) {
      connection->send(frame(FrameKind::goodbye, own_member()));
      connection->finish_sending();
    }
    wait(deadline, "a peer does not close its connection",
         [&] { return std::all_of(open.begin(), open.end(), [](const auto& one) { return one->ended(); }); });
    poll();  // the counters of what was written last
  }

 private:
  static constexpr std::uint32_t more_strangers = 128;               // than workers, which may all come at once
  static constexpr std::size_t most_queued = std::size_t{64} << 20;  // bytes waiting for one slow peer

  static constexpr auto retry_interval = std::chrono::milliseconds(500);

  /// Another member. One that has joined again while the caller does not know yet of its loss waits in `next`.
  struct Peer {
    std::shared_ptr<Connection> connection, next;
    std::uint64_t instance = 0;  // of the one that joined last
    bool loss_told = false;
    const std::shared_ptr<Connection>& latest() const { return next ? next : connection; }
  };

  /// Why a worker is not taken in; the text is a sentence.
  struct Refused {
    Refusal refusal;
    std::string text;
  };

  bool is_server() const { return rank_ == tpc::server; }
  std::uint32_t own_member() const { return is_server() ? tpc::server_member : tpc::member_of_worker(rank_); }

  void log(tpc_log_level level, const std::string& text) const { host_->log(level, "tcp", text.c_str()); }

  /// Keep-alive does not see a link that is cut while something is on its way.
  void watch_links() {
    watch_.expires_after(std::chrono::milliseconds(keepalive_ * 1000 / 8));
    watch_.async_wait([this](const error_code& error) {
      if (error) return;
      for (const auto& connection : open_connections()) connection->end_if_cut_off();
      watch_links();
    });
  }

  /// Runs the event loop until `done`, or throws at the deadline or when cancelled.
  template <class Done>
  void wait(tpc::Deadline deadline, const std::string& late, Done done) {
    const Clock::time_point until = time_point(deadline);
    while (true) {
      if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
      if (done()) return;
      if (io_.run_one_until(until) == 0 && Clock::now() >= until && !done()) throw tpc::Error(TPC_TIMEOUT, late);
    }
  }

  /// What is there to do, but never without end: a flood of connections always has more.
  void poll() {
    for (std::uint32_t i = 0; i < 1000 + workers_ && io_.poll_one() > 0;) ++i;
  }

  /// Where the peer stands in peers_: a worker has the server alone, a star.
  std::size_t index_of(std::uint32_t member) const {
    const bool reachable =
        is_server() ? member != tpc::server_member && member <= workers_ : member == tpc::server_member;
    if (!reachable) throw tpc::Error(TPC_UNSUPPORTED, "this member has no connection to " + name_of(member));
    return is_server() ? tpc::worker_of_member(member) : 0;
  }

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

  void enqueue(std::uint32_t to, const std::shared_ptr<const Bytes>& bytes, std::uint64_t payload,
               tpc::Deadline deadline) {
    if (payload > longest_)
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       tpc::text("a message of ", payload, " bytes exceeds [transport] max_message = ", longest_));
    const std::shared_ptr<Connection> peer = connected(index_of(to));
    if (peer->queued_bytes() > 0) poll();  // what has left in the meantime makes room for this one to leave at once
    wait(deadline, name_of(to) + " does not read what it is sent",
         [&] { return peer->queued_bytes() < most_queued || peer->ended(); });
    if (peer->ended()) return;
    peer->send(bytes);
    payload_sent_ += payload;
  }

  // ---- server

  void listen() {
    error_code error;
    asio::ip::tcp::resolver resolver(io_);
    const auto found = resolver.resolve(address_.host, address_.port, asio::ip::tcp::resolver::passive, error);
    // A name may stand for addresses that this host does not have, such as IPv6 ones.
    for (auto at = found.begin(); !error && at != found.end(); ++at)
      if (listen_at(at->endpoint(), error))
        break;
      else if (std::next(at) != found.end())
        error.clear();
    if (error == asio::error::address_in_use)
      throw tpc::Error(
          TPC_INVALID_ARGUMENT,
          tpc::text(address_.text(),
                    " is in use by another program; choose another [transport] port, or 0 for any free one"));
    if (error)
      throw tpc::Error(TPC_INVALID_ARGUMENT, tpc::text("cannot listen at ", address_.text(), ": ", error.message()));
    address_.port = std::to_string(acceptor_->local_endpoint().port());
    expect_members();
    accept_next();
  }

  bool listen_at(const Endpoint& endpoint, error_code& error) {
    if (!endpoint.address().is_loopback()) require_protection();
    acceptor_.emplace(io_);
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(asio::socket_base::reuse_address(true), error);
    if (!error && endpoint.address() == asio::ip::address_v6::any())
      acceptor_->set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    return !error;
  }

  void require_protection() const {
    if (tls_) return;
    if (!token_ && !insecure_)
      throw tpc::Error(
          TPC_INVALID_ARGUMENT,
          tpc::text(address_.text(),
                    " can be reached from other hosts, and nothing here keeps strangers out. Set "
                    "[transport] token_file (or THREEPC_TOKEN), so that members prove who they are; or ca, certificate "
                    "and key (threepc certs makes them), so that everything is encrypted as well; or, where nobody "
                    "else is on the network, insecure = true"));
    log(TPC_LOG_WARNING, token_ ? "workers prove that they have the token, but what is exchanged after that is neither "
                                  "encrypted nor authenticated; with [transport] ca, certificate and key it is"
                                : "insecure: whoever reaches " + address_.text() + " may join this run");
  }

  void expect_members() {
    const std::uint64_t wanted = std::uint64_t{2} * workers_ + more_strangers + 64;
    if (const std::uint64_t allowed = allow_open_files(wanted); allowed < workers_ + std::uint64_t{64})
      log(TPC_LOG_WARNING, tpc::text("this process may open ", allowed, " files, too few for ", workers_,
                                     " workers; raise the hard limit (ulimit -Hn)"));
  }

  void accept_next() {
    acceptor_->async_accept([this](const error_code& error, asio::ip::tcp::socket socket) {
      if (!acceptor_ || error == asio::error::operation_aborted) return;
      if (error) return accept_later();
      admit(std::move(socket));
      accept_next();
    });
  }

  /// Out of file descriptors, say: trying again at once would only burn the processor.
  void accept_later() {
    accept_pause_.expires_after(std::chrono::milliseconds(100));
    accept_pause_.async_wait([this](const error_code& error) {
      if (!error && acceptor_) accept_next();
    });
  }

  void admit(asio::ip::tcp::socket socket) {
    auto connection = std::make_shared<Connection>(
        stream_to_worker(std::move(socket)), keepalive_, longest_,
        Connection::Handler{[](Connection&) {},
                            [this](Connection& from, const Decoded& control) { on_control_from_worker(from, control); },
                            [this](Connection& ended) {
                              if (!ended.trusted() && acceptor_) note(ended, ended.fault(), ended.reason());
                            },
                            // Not here and now: the connection is still on the call stack.
                            [this](Connection& closed) {
                              asio::post(io_, [this, keep = closed.shared_from_this()] { strangers_.forget(*keep); });
                            }});
    strangers_.add(connection);
    connection->start();
  }

  std::unique_ptr<Stream> stream_to_worker(asio::ip::tcp::socket socket) {
    if (!tls_) return std::make_unique<PlainStream>(std::move(socket), wire_);
    static const auto answer = frame(FrameKind::reject, tpc::server_member,
                                     to_reject(Refusal::final,
                                               "this server speaks TLS only; set [transport] ca, "
                                               "certificate and key"));
    return tls_->server_stream(std::move(socket), wire_, answer);
  }

  void note(const Connection& stranger, Fault fault, const std::string& text) {
    faults_.note(stranger.source().to_string(), fault, stranger.name(), text);
  }

  /// JOIN, and where there is a token CHALLENGE and PROOF: only who has proved it learns whether he fits this run.
  void on_control_from_worker(Connection& from, const Decoded& control) {
    Stranger* const stranger = from.trusted() ? nullptr : strangers_.find(from);
    Join join{};
    if (stranger == nullptr)
      from.end("sent an unexpected frame", Fault::frame);
    else if (control.header.kind == FrameKind::join && !stranger->handshake && read_join(control.payload, join))
      begin_handshake(*stranger, join);
    else if (control.header.kind == FrameKind::proof && stranger->handshake && token_)
      check_proof(*stranger, control.payload);
    else
      from.end("sent an unexpected frame", Fault::frame);
  }

  void begin_handshake(Stranger& stranger, const Join& join) {
    Connection& from = *stranger.connection;
    stranger.handshake = Handshake{join, random_nonce(), from.stream().binding()};
    if (!token_) return decide(stranger);
    from.send(frame(FrameKind::challenge, tpc::server_member, stranger.handshake->server_nonce));
  }

  void check_proof(Stranger& stranger, std::span<const std::uint8_t> proof) {
    if (is_equal(token_->of_worker(*stranger.handshake), proof)) return decide(stranger);
    refuse(*stranger.connection, Fault::token,
           {Refusal::final,
            "its token is not the server's; use the same [transport] token_file, or THREEPC_TOKEN, on "
            "both sides"});
  }

  void decide(Stranger& stranger) {
    const std::optional<Reject> no = refusal(stranger.handshake->join);
    if (no)
      refuse(*stranger.connection, Fault::refused, *no);
    else
      take_in(*stranger.handshake, stranger.connection);
  }

  void refuse(Connection& from, Fault fault, const Reject& why) {
    note(from, fault, "was refused: " + why.text);
    from.send(frame(FrameKind::reject, tpc::server_member, to_reject(why.refusal, why.text)));
    from.finish_sending();
  }

  void take_in(const Handshake handshake, const std::shared_ptr<Connection> worker) {
    const std::uint32_t rank = handshake.join.rank;
    Peer& peer = peers_[rank];
    const bool again = peer.connection != nullptr;
    if (again) peer.latest()->end("has joined again from " + worker->name(), Fault::left);
    const bool loss_is_known = !again || !complete_ || peer.loss_told;
    (loss_is_known ? peer.connection : peer.next) = worker;
    peer.instance = handshake.join.instance;
    peer.loss_told = false;
    worker->trust();
    strangers_.forget(*worker);
    worker->send(token_ ? frame(FrameKind::accept, tpc::server_member, token_->of_server(handshake))
                        : frame(FrameKind::accept, tpc::server_member));
    log(TPC_LOG_INFO, tpc::text("worker ", rank, again ? " joined again from " : " joined from ", worker->name()));
  }

  std::optional<Reject> refusal(const Join& join) const {
    if (join.workers != workers_)
      return Reject{Refusal::final, tpc::text("this run has ", workers_,
                                              " workers, the one that wants to join expects ", join.workers)};
    if (join.rank >= workers_)
      return Reject{Refusal::final, tpc::text("rank ", join.rank, " is out of range: this run has ", workers_,
                                              " workers, ranks 0 to ", workers_ - 1)};
    const Peer& peer = peers_[join.rank];
    const auto& holder = peer.latest();
    if (holder != nullptr && !holder->ended() && peer.instance != join.instance)
      return Reject{Refusal::rank_taken, tpc::text("rank ", join.rank, " has already joined from ", holder->name())};
    return std::nullopt;
  }

  void await_workers(tpc::Deadline deadline) {
    const auto missing = [this] {
      std::vector<std::uint32_t> ranks;
      for (std::uint32_t rank = 0; rank < workers_; ++rank)
        if (peers_[rank].connection == nullptr) ranks.push_back(rank);
      return ranks;
    };
    try {
      wait(deadline, "", [&] {
        return std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.connection != nullptr; });
      });
      complete_ = true;
    } catch (const tpc::Error& error) {
      if (error.status() != TPC_TIMEOUT) throw;
      throw tpc::Error(TPC_TIMEOUT, not_joined(missing()) + " " + address_.text());
    }
  }

  // ---- worker

  /// Whoever had this rank before may be gone without the server's knowing yet: it will, within `keepalive`.
  void join_server(tpc::Deadline deadline) {
    const Clock::time_point patience = Clock::now() + std::chrono::seconds(keepalive_ + 1);
    for (;;) {
      const std::optional<Refused> no = try_to_join(deadline);
      if (!no) return;
      const Clock::time_point last = std::min(patience, time_point(deadline)) - retry_interval;
      if (no->refusal != Refusal::rank_taken || Clock::now() >= last) throw tpc::Error(TPC_INVALID_ARGUMENT, no->text);
      pause(retry_interval, deadline, no->text);
    }
  }

  /// Returns why this worker was not taken in, or will not be with this server.
  std::optional<Refused> try_to_join(tpc::Deadline deadline) {
    refused_.reset();
    identity_.emplace(tpc::text(rank_, "@", address_.text()));
    handshake_ = {Join{rank_, workers_, identity_->number(), random_nonce()}, {}, {}};
    auto connection = std::make_shared<Connection>(
        stream_to_server(connect(deadline)), keepalive_, longest_,
        Connection::Handler{[this](Connection& ready) {
                              handshake_.binding = ready.stream().binding();
                              ready.send(frame(FrameKind::join, own_member(), to_bytes(handshake_.join)));
                            },
                            [this](Connection& from, const Decoded& control) { on_answer(from, control); },
                            [this](Connection& ended) {
                              if (&ended == peers_[0].connection.get()) identity_.reset();
                            },
                            [](Connection&) {}});
    peers_[0].connection = connection;
    connection->start();
    wait(deadline, the_server() + " does not answer",
         [&] { return connection->trusted() || refused_ || connection->ended(); });
    if (!connection->trusted() && !refused_)
      throw tpc::Error(connection->end_is_final() ? TPC_INVALID_ARGUMENT : TPC_CLOSED,
                       the_server() + " " + connection->reason());
    return refused_;
  }

  std::string the_server() const { return "the server at " + address_.text(); }

  std::unique_ptr<Stream> stream_to_server(asio::ip::tcp::socket socket) {
    if (tls_) return tls_->client_stream(std::move(socket), wire_, address_.host);
    return std::make_unique<PlainStream>(std::move(socket), wire_);
  }

  void on_answer(Connection& from, const Decoded& control) {
    const FrameKind kind = control.header.kind;
    if (from.trusted() || refused_)
      from.end("sent an unexpected frame", Fault::frame);
    else if (kind == FrameKind::challenge)
      answer_challenge(from, control.payload);
    else if (kind == FrameKind::accept && is_our_server(control.payload))
      from.trust();
    else if (kind == FrameKind::accept)
      give_up(the_server() +
              " did not prove that it has the token of this worker; set the same [transport] token_file, "
              "or THREEPC_TOKEN, on both sides");
    else if (kind == FrameKind::reject)
      heed(read_reject(control.payload));
    else
      from.end("sent an unexpected frame", Fault::frame);
  }

  void answer_challenge(Connection& server, std::span<const std::uint8_t> nonce) {
    const Nonce none{};
    if (!token_) return give_up(the_server() + " asks for a token; set [transport] token_file, or THREEPC_TOKEN, here");
    if (nonce.size() != none.size() || handshake_.server_nonce != none)
      return server.end("sent an unexpected frame", Fault::frame);
    std::copy(nonce.begin(), nonce.end(), handshake_.server_nonce.begin());
    server.send(frame(FrameKind::proof, own_member(), token_->of_worker(handshake_)));
  }

  /// Without a token of our own, whoever answers is.
  bool is_our_server(std::span<const std::uint8_t> proof) const {
    return !token_ || is_equal(token_->of_server(handshake_), proof);
  }

  void give_up(const std::string& text) { refused_ = Refused{Refusal::final, text}; }
  void heed(const Reject& reject) {
    refused_ = Refused{reject.refusal, "the server refused this worker: " + reject.text};
  }

  /// Tries until the deadline: a worker may be started before its server.
  asio::ip::tcp::socket connect(tpc::Deadline deadline) {
    auto interval = std::chrono::milliseconds(10);
    const std::string unreachable = "no server answers at " + address_.text() + "; start it, or correct --connect";
    for (;; interval = std::min(2 * interval, std::chrono::milliseconds(500))) {
      std::optional<error_code> outcome;
      asio::ip::tcp::socket socket(io_);
      asio::ip::tcp::resolver resolver(io_);
      resolver.async_resolve(
          address_.host, address_.port,
          [&](const error_code& error, const asio::ip::tcp::resolver::results_type& found) {
            if (error)
              outcome = error;
            else
              asio::async_connect(socket, found, [&](const error_code& failed, const Endpoint&) { outcome = failed; });
          });
      attempt(deadline, unreachable, socket, resolver, outcome);
      if (!*outcome) return socket;
      const bool later = *outcome == asio::error::connection_refused;
      if (!later) throw tpc::Error(TPC_CLOSED, "cannot reach " + address_.text() + ": " + outcome->message());
      pause(interval, deadline, unreachable);
    }
  }

  void pause(std::chrono::milliseconds length, tpc::Deadline deadline, const std::string& late) {
    asio::steady_timer timer(io_, length);
    bool rung = false;
    timer.async_wait([&](const error_code&) { rung = true; });
    try {
      wait(deadline, late, [&] { return rung; });
    } catch (const tpc::Error&) {
      timer.cancel();
      drain([&] { return rung; });
      throw;
    }
  }

  /// Waits for one attempt; its handlers point into the caller's frame, so they have run when this returns.
  void attempt(tpc::Deadline deadline, const std::string& late, asio::ip::tcp::socket& socket,
               asio::ip::tcp::resolver& resolver, const std::optional<error_code>& outcome) {
    try {
      wait(deadline, late, [&] { return outcome.has_value(); });
    } catch (const tpc::Error&) {
      error_code ignored;
      resolver.cancel();
      socket.close(ignored);
      drain([&] { return outcome.has_value(); });
      throw;
    }
  }

  template <class Done>
  void drain(Done done) {
    while (!done()) io_.run_one();
  }

  const tpc_host* host_;
  const std::uint32_t workers_;
  const std::uint32_t rank_;
  const std::uint64_t longest_;
  const int keepalive_;  // seconds
  const Address configured_;
  Address address_;
  const std::optional<Token> token_;
  const std::unique_ptr<const Tls> tls_;
  const bool insecure_;
  FaultLog faults_;
  std::atomic<bool> cancelled_{false};
  WireCounters wire_;  // before io_: handlers that io_ destroys refer to it
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::optional<asio::ip::tcp::acceptor> acceptor_;
  asio::steady_timer accept_pause_{io_};
  asio::steady_timer watch_{io_};
  Strangers strangers_{io_, std::size_t{workers_} + more_strangers};
  std::vector<Peer> peers_;           // by rank; a worker's only one is the server
  bool complete_ = false;             // server: all workers have joined once
  std::optional<Identity> identity_;  // worker: while its connection lives
  std::vector<Inbound> held_;         // the last message of each, which the caller still looks at
  std::optional<Refused> refused_;
  Handshake handshake_{};  // worker: of its joining
  std::uint64_t payload_sent_ = 0, payload_received_ = 0;
};

}  // namespace
}  // namespace threepc::tcp

THREEPC_PLUGINS(tpc::transport<threepc::tcp::Tcp>);
