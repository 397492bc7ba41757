// A worker's way into the run of its server.
#pragma once

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "address.hpp"
#include "connection.hpp"
#include "identity.hpp"
#include "loop.hpp"
#include "terms.hpp"

namespace threepc::tcp {

class Joining {
 public:
  /// All outlive this. Each attempt's connection is put into `seat`, where it stays.
  Joining(Loop& loop, const Terms& terms, WireCounters& wire, std::shared_ptr<Connection>& seat)
      : loop_(&loop), terms_(&terms), wire_(&wire), seat_(&seat) {}

  /// Connects and shakes hands. Throws tpc::Error: TPC_INVALID_ARGUMENT where trying again would not help.
  ///
  /// Whoever had this rank before may be gone without the server's knowing yet: it will, within `keepalive`.
  void join(const Address& server, tpc::Deadline deadline) {
    server_ = server;
    const Clock::time_point patience = Clock::now() + std::chrono::seconds(terms_->keepalive + 1);
    for (bool told = false;; told = true) {
      const std::optional<Refused> no = try_once(deadline);
      if (!no) return;
      const auto interval = interval_after(no->refusal);
      const Clock::time_point last = no->refusal == Refusal::rank_taken ? patience : time_point(deadline);
      if (no->refusal == Refusal::final || Clock::now() + interval >= std::min(last, time_point(deadline)))
        throw tpc::Error(no->status, no->text);
      if (!told) terms_->log(TPC_LOG_INFO, no->text + "; trying again");
      loop_->pause(interval, deadline, no->text);
    }
  }

 private:
  /// Soon, where the server had no time, but not all at the same moment.
  static std::chrono::milliseconds interval_after(Refusal refusal) {
    if (refusal != Refusal::come_again) return std::chrono::milliseconds(500);
    thread_local std::minstd_rand random{std::random_device{}()};
    return std::chrono::milliseconds(50 + random() % 100);
  }

  /// Why this worker is not taken in; the text is a sentence.
  struct Refused {
    Refusal refusal;
    std::string text;
    tpc_status status = TPC_INVALID_ARGUMENT;
  };

  /// Returns why this worker was not taken in, or will not be with this server.
  std::optional<Refused> try_once(tpc::Deadline deadline) {
    refused_.reset();
    greeted_ = false;
    identity_.emplace(tpc::text(terms_->rank, "@", server_.text()));
    handshake_ = {Join{terms_->rank, terms_->workers, identity_->number(), random_nonce()}, {}, {}};
    const auto connection = std::make_shared<Connection>(stream_to_server(connect(deadline)), terms_->keepalive,
                                                         terms_->longest_message, handler());
    *seat_ = connection;
    connection->start();
    loop_->wait(deadline, the_server() + " does not answer",
                [&] { return connection->trusted() || refused_ || connection->ended(); });
    if (connection->trusted() || refused_) return refused_;
    const std::string text = the_server() + " " + connection->reason();
    // A server under siege cannot say more while TLS has not begun.
    if (terms_->tls && !greeted_ && !connection->end_is_final()) return Refused{Refusal::rank_taken, text, TPC_CLOSED};
    throw tpc::Error(connection->end_is_final() ? TPC_INVALID_ARGUMENT : TPC_CLOSED, text);
  }

  Connection::Handler handler() {
    return {[this](Connection& ready) {
              greeted_ = true;
              handshake_.binding = ready.stream().binding();
              ready.send(shared_frame(FrameKind::join, terms_->member(), to_bytes(handshake_.join)));
            },
            [this](Connection& from, const Decoded& control) { on_answer(from, control); },
            [this](Connection& ended) {
              if (&ended == seat_->get()) identity_.reset();
            },
            [](Connection&) {}};
  }

  std::string the_server() const { return "the server at " + server_.text(); }

  std::unique_ptr<Stream> stream_to_server(asio::ip::tcp::socket socket) const {
    if (terms_->tls) return terms_->tls->client_stream(std::move(socket), *wire_, server_.host);
    return std::make_unique<PlainStream>(std::move(socket), *wire_);
  }

  void on_answer(Connection& from, const Decoded& control) {
    const FrameKind kind = control.header.kind;
    if (from.trusted() || refused_) return from.end_because_of_unexpected_frame();
    if (kind == FrameKind::challenge)
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
      from.end_because_of_unexpected_frame();
  }

  void answer_challenge(Connection& server, std::span<const std::uint8_t> nonce) {
    const Nonce none{};
    if (!terms_->token)
      return give_up(the_server() + " asks for a token; set [transport] token_file, or THREEPC_TOKEN, here");
    if (nonce.size() != none.size() || handshake_.server_nonce != none) return server.end_because_of_unexpected_frame();
    std::copy(nonce.begin(), nonce.end(), handshake_.server_nonce.begin());
    server.send(shared_frame(FrameKind::proof, terms_->member(), terms_->token->of_worker(handshake_)));
  }

  /// Without a token of our own, whoever answers is.
  bool is_our_server(std::span<const std::uint8_t> proof) const {
    return !terms_->token || is_equal(terms_->token->of_server(handshake_), proof);
  }

  void give_up(const std::string& text) { refused_ = Refused{Refusal::final, text}; }
  void heed(const Reject& reject) {
    refused_ = Refused{reject.refusal, "the server refused this worker: " + reject.text};
  }

  /// Tries until the deadline: a worker may be started before its server.
  asio::ip::tcp::socket connect(tpc::Deadline deadline) {
    auto interval = std::chrono::milliseconds(10);
    const std::string unreachable = "no server answers at " + server_.text() + "; start it, or correct --connect";
    for (;; interval = std::min(2 * interval, std::chrono::milliseconds(500))) {
      asio::ip::tcp::socket socket(loop_->io());
      const error_code error = connect_once(socket, deadline, unreachable);
      if (!error) return socket;
      if (error != asio::error::connection_refused && error != asio::error::timed_out)
        throw tpc::Error(TPC_CLOSED, "cannot reach " + server_.text() + ": " + error.message());
      loop_->pause(interval, deadline, unreachable);
    }
  }

  /// One attempt is short: the system asks a server whose queue is full again after 1, 3, 7, 15 s, and would be too
  /// late.
  error_code connect_once(asio::ip::tcp::socket& socket, tpc::Deadline deadline, const std::string& late) {
    const std::int64_t soon = terms_->host->now() + std::int64_t{3'000'000'000};
    if (soon >= deadline.at) return connect_until(socket, deadline, late);
    try {
      return connect_until(socket, {soon}, late);
    } catch (const tpc::Error& error) {
      if (error.status() != TPC_TIMEOUT) throw;
      return asio::error::timed_out;
    }
  }

  error_code connect_until(asio::ip::tcp::socket& socket, tpc::Deadline deadline, const std::string& late) {
    std::optional<error_code> outcome;
    asio::ip::tcp::resolver resolver(loop_->io());
    const auto finish = [&](const error_code& error, const asio::ip::tcp::endpoint&) { outcome = error; };
    resolver.async_resolve(server_.host, server_.port, [&](const error_code& error, const auto& found) {
      error ? finish(error, {}) : asio::async_connect(socket, found, finish);
    });
    loop_->attempt(
        deadline, late, [&] { return outcome.has_value(); },
        [&] {
          error_code ignored;
          resolver.cancel();
          socket.close(ignored);
        });
    return *outcome;
  }

  Loop* loop_;
  const Terms* terms_;
  WireCounters* wire_;
  std::shared_ptr<Connection>* seat_;
  Address server_;
  std::optional<Identity> identity_;  // while the connection lives
  std::optional<Refused> refused_;
  bool greeted_ = false;
  Handshake handshake_{};
};

}  // namespace threepc::tcp
