// The server's door: it listens, and lets in who belongs to the run.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "../faults.hpp"
#include "../file_limit.hpp"
#include "address.hpp"
#include "connection.hpp"
#include "gate.hpp"
#include "loop.hpp"
#include "strangers.hpp"
#include "terms.hpp"

namespace threepc::tcp {

class Door {
 public:
  /// Who decides about a worker that has shown that it may be here.
  class Keeper {
   public:
    virtual ~Keeper() = default;
    /// Why it does not fit the run as it is now.
    virtual std::optional<Reject> objection(const Join& join) const = 0;
    /// Its connection may carry messages from now on.
    virtual void take_in(const Join& join, const std::shared_ptr<Connection>& worker) = 0;
  };

  /// All outlive the door.
  Door(Loop& loop, const Terms& terms, WireCounters& wire, Keeper& keeper)
      : loop_(&loop), terms_(&terms), wire_(&wire), keeper_(&keeper), faults_(*terms.host, "tcp") {}

  /// Listens at `address`, and puts the port into it if it was 0. Throws tpc::Error that says what is wrong with it.
  void open(Address& address) {
    error_code error;
    asio::ip::tcp::resolver resolver(loop_->io());
    const auto found = resolver.resolve(address.host, address.port, asio::ip::tcp::resolver::passive, error);
    // A name may stand for addresses that this host does not have, such as IPv6 ones.
    for (auto at = found.begin(); !error && at != found.end(); ++at) {
      require_protection(address, at->endpoint().address().is_loopback());
      if (listen_at(at->endpoint(), error)) break;
      if (std::next(at) != found.end()) error.clear();
    }
    if (error) throw tpc::Error(TPC_INVALID_ARGUMENT, why_not(address, error));
    address.port = std::to_string(acceptor_->local_endpoint().port());
    if (!acceptor_->local_endpoint().address().is_loopback()) warn_of_exposure(address);
    allow_files();
    accept_next();
  }

  /// While members still have to come, strangers get all the time that there is; see Gate.
  void expect_members(bool wide) { gate_.open(wide); }

  void close() {
    acceptor_.reset();
    gate_.clear();
    strangers_.end_all("came too late");
    faults_.count_up();
  }

 private:
  using Endpoint = asio::ip::tcp::endpoint;
  static constexpr int most_at_once = 32;

  bool listen_at(const Endpoint& endpoint, error_code& error) {
    acceptor_.emplace(loop_->io());
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(asio::socket_base::reuse_address(true), error);
    if (!error && endpoint.address() == asio::ip::address_v6::any())
      acceptor_->set_option(asio::ip::v6_only(false), error);
    if (!error) ::fcntl(acceptor_->native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor_->non_blocking(true, error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    return !error;
  }

  static std::string why_not(const Address& address, const error_code& error) {
    if (error != asio::error::address_in_use)
      return tpc::text("cannot listen at ", address.text(), ": ", error.message());
    return address.text() + " is in use by another program; choose another [transport] port, or 0 for any free one";
  }

  /// On loopback as well: whoever has an account on this host could be a worker.
  void require_protection(const Address& address, bool is_loopback) const {
    if (terms_->tls || terms_->token || terms_->insecure) return;
    const auto* const who = is_loopback ? "by every user of this host" : "from other hosts";
    const auto* const alone = is_loopback ? "uses this host" : "is on the network";
    throw tpc::Error(
        TPC_INVALID_ARGUMENT,
        tpc::text(address.text(), " can be reached ", who,
                  ", and nothing here keeps strangers out. Give the server and its workers the same secret, so that "
                  "they prove who they are: export THREEPC_TOKEN=$(openssl rand -hex 32), or a file of it as "
                  "[transport] token_file; or set ca, certificate and key (threepc certs makes them), so that "
                  "everything is encrypted as well; or, where nobody else ",
                  alone, ", insecure = true (--set transport.insecure=true)"));
  }

  void warn_of_exposure(const Address& address) const {
    if (terms_->tls) return;
    terms_->log(TPC_LOG_WARNING, terms_->token
                                     ? "workers prove that they have the token, but what is exchanged after that is "
                                       "neither encrypted nor authenticated; with [transport] ca, certificate and key "
                                       "it is"
                                     : "insecure: whoever reaches " + address.text() + " may join this run");
  }

  void allow_files() const {
    if (const std::string warning = allow_connections(terms_->workers); !warning.empty())
      terms_->log(TPC_LOG_WARNING, warning);
  }

  void accept_next() {
    acceptor_->async_wait(asio::ip::tcp::acceptor::wait_read, [this](const error_code& error) {
      if (!acceptor_ || error == asio::error::operation_aborted) return;
      gate_.enter([this] { accept_some(); }, Turn::last);
    });
  }

  /// As many as there is time for, but never so many that those who are here already have to wait for long.
  void accept_some() {
    error_code error;
    for (int i = 0; acceptor_ && i < most_at_once; ++i) {
      if (!strangers_.make_room()) return accept_later(std::chrono::milliseconds(2));
      asio::ip::tcp::socket socket(loop_->io());
      acceptor_->accept(socket, error);
      if (error == asio::error::would_block || error == asio::error::connection_aborted) break;
      // Out of file descriptors, say: trying again at once would only burn the processor.
      if (error) return accept_later(std::chrono::milliseconds(100));
      meet(std::move(socket));
      if (!gate_.has_time()) break;
    }
    if (acceptor_) accept_next();
  }

  void accept_later(std::chrono::milliseconds pause) {
    accept_pause_.expires_after(pause);
    accept_pause_.async_wait([this](const error_code& error) {
      if (!error && acceptor_) accept_next();
    });
  }

  /// A flood is mostly of those who are gone already: they cost no more than a look.
  void meet(asio::ip::tcp::socket socket) {
    char byte = 0;
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);  // not for workers that this process starts
    const bool gone = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    if (!gone) return admit(std::move(socket));
    const std::string source = source_of(socket);
    faults_.note(source, Fault::left, source, "closed the connection");
  }

  static std::string source_of(const asio::ip::tcp::socket& socket) {
    error_code unknown;
    return socket.remote_endpoint(unknown).address().to_string();
  }

  void admit(asio::ip::tcp::socket socket) {
    const Turn turn = faults_.has_seen(source_of(socket)) ? Turn::last : Turn::first;
    auto connection = std::make_shared<Connection>(
        stream_to_worker(std::move(socket), turn), terms_->keepalive, terms_->longest_message,
        Connection::Handler{
            [](Connection&) {}, [this](Connection& from, const Decoded& control) { on_control(from, control); },
            [this](Connection& ended) {
              if (!ended.trusted() && acceptor_) note(ended, ended.fault(), ended.reason());
            },
            // Not here and now: the connection is still on the call stack.
            [this](Connection& closed) {
              asio::post(loop_->io(), [this, keep = closed.shared_from_this()] { strangers_.forget(*keep); });
            }});
    strangers_.add(connection);
    connection->start();
  }

  std::unique_ptr<Stream> stream_to_worker(asio::ip::tcp::socket socket, Turn turn) {
    if (!terms_->tls) return std::make_unique<PlainStream>(std::move(socket), *wire_);
    static const auto answer = shared_frame(FrameKind::reject, tpc::server_member,
                                            to_reject(Refusal::final,
                                                      "this server speaks TLS only; set [transport] ca, "
                                                      "certificate and key"));
    return terms_->tls->server_stream(std::move(socket), *wire_, answer, gate_, turn);
  }

  void note(const Connection& stranger, Fault fault, const std::string& text) {
    faults_.note(stranger.source().to_string(), fault, stranger.name(), text);
  }

  /// JOIN, and where there is a token CHALLENGE and PROOF: only who has proved it learns whether he fits this run.
  void on_control(Connection& from, const Decoded& control) {
    Stranger* const stranger = from.trusted() ? nullptr : strangers_.find(from);
    if (stranger == nullptr) return from.end_because_of_unexpected_frame();
    Join join{};
    if (control.header.kind == FrameKind::join && !stranger->handshake && read_join(control.payload, join))
      begin_handshake(*stranger, join);
    else if (control.header.kind == FrameKind::proof && stranger->handshake && terms_->token)
      check_proof(*stranger, control.payload);
    else
      from.end_because_of_unexpected_frame();
  }

  void begin_handshake(Stranger& stranger, const Join& join) {
    Connection& from = *stranger.connection;
    stranger.handshake = Handshake{join, random_nonce(), from.stream().binding()};
    if (!terms_->token) return decide(stranger);
    from.send(shared_frame(FrameKind::challenge, tpc::server_member, stranger.handshake->server_nonce));
  }

  void check_proof(Stranger& stranger, std::span<const std::uint8_t> proof) {
    if (is_equal(terms_->token->of_worker(*stranger.handshake), proof)) return decide(stranger);
    refuse(*stranger.connection, Fault::token,
           {Refusal::final,
            "its token is not the server's; use the same [transport] token_file, or THREEPC_TOKEN, on "
            "both sides"});
  }

  void decide(const Stranger& stranger) {
    if (const std::optional<Reject> no = keeper_->objection(stranger.handshake->join))
      refuse(*stranger.connection, Fault::refused, *no);
    else
      take_in(*stranger.handshake, stranger.connection);
  }

  void refuse(Connection& from, Fault fault, const Reject& why) {
    note(from, fault, "was refused: " + why.text);
    from.send(shared_frame(FrameKind::reject, tpc::server_member, to_reject(why.refusal, why.text)));
    from.finish_sending();
  }

  /// Copies, because the stranger is forgotten.
  void take_in(const Handshake handshake, const std::shared_ptr<Connection> worker) {
    worker->trust();
    strangers_.forget(*worker);
    keeper_->take_in(handshake.join, worker);
    worker->send(terms_->token
                     ? shared_frame(FrameKind::accept, tpc::server_member, terms_->token->of_server(handshake))
                     : shared_frame(FrameKind::accept, tpc::server_member));
  }

  Loop* loop_;
  const Terms* terms_;
  WireCounters* wire_;
  Keeper* keeper_;
  FaultLog faults_;
  Gate gate_{loop_->io()};
  std::optional<asio::ip::tcp::acceptor> acceptor_;
  asio::steady_timer accept_pause_{loop_->io()};
  Strangers strangers_{loop_->io(), std::size_t{terms_->workers} + more_strangers};
};

}  // namespace threepc::tcp
