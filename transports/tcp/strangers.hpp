// Connections that have not joined yet.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "connection.hpp"
#include "token.hpp"

namespace threepc::tcp {

struct Stranger {
  std::shared_ptr<Connection> connection;
  std::chrono::steady_clock::time_point last;  // when it must have joined
  std::optional<Handshake> handshake = {};     // since its JOIN
};

/// Each has a few seconds. There is room for `most`. When it is full, the host that has most of it makes room, so that
/// nobody can keep others out: its oldest one that has said nothing, or else its oldest one whose turn it is to speak.
/// Whoever waits for this side stays.
class Strangers {
 public:
  Strangers(asio::io_context& io, std::size_t most) : most_(most), timer_(io) {}

  /// Room for one more. False: all wait for this side, so there will be soon.
  bool make_room() {
    if (all_.size() < most_) return true;
    const auto leaving = who_makes_room();
    if (leaving == all_.end()) return false;
    const std::shared_ptr<Connection> connection = leaving->connection;
    remove(leaving);
    connection->send_away("made room for others, because it did not join", Fault::crowded);
    return true;
  }

  void add(const std::shared_ptr<Connection>& connection) {
    ++of_source_[connection->source()];
    all_.push_back({connection, std::chrono::steady_clock::now() + time_to_join});
    if (all_.size() == 1) expect_first();
  }

  Stranger* find(const Connection& connection) {
    const auto at = place_of(connection);
    return at == all_.end() ? nullptr : &*at;
  }

  void forget(const Connection& connection) {
    if (const auto at = place_of(connection); at != all_.end()) remove(at);
  }

  void end_all(const std::string& reason) {
    of_source_.clear();
    for (const Stranger& stranger : std::exchange(all_, {})) stranger.connection->end(reason, Fault::left);
  }

 private:
  using Place = std::list<Stranger>::iterator;
  static constexpr auto time_to_join = std::chrono::seconds(5);

  Place place_of(const Connection& connection) {
    return std::find_if(all_.begin(), all_.end(),
                        [&](const Stranger& stranger) { return stranger.connection.get() == &connection; });
  }

  void remove(Place at) {
    const auto count = of_source_.find(at->connection->source());
    if (--count->second == 0) of_source_.erase(count);
    all_.erase(at);
  }

  Place who_makes_room() {
    const auto largest = std::max_element(of_source_.begin(), of_source_.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto oldest = [&](bool silent) {
      return std::find_if(all_.begin(), all_.end(), [&](const Stranger& stranger) {
        const Connection& connection = *stranger.connection;
        return connection.source() == largest->first && connection.is_silent() == silent && !connection.waits();
      });
    };
    const Place silent = oldest(true);
    return silent != all_.end() ? silent : oldest(false);
  }

  /// Those who came first have to have joined first.
  void expect_first() {
    if (all_.empty()) return;
    timer_.expires_at(all_.front().last);
    timer_.async_wait([this](const error_code& error) {
      if (!error) end_the_late();
    });
  }

  void end_the_late() {
    while (!all_.empty() && all_.front().last <= std::chrono::steady_clock::now()) {
      const std::shared_ptr<Connection> late = all_.front().connection;
      remove(all_.begin());
      late->send_away("did not join in time", Fault::silent);
    }
    expect_first();
  }

  std::size_t most_;
  asio::steady_timer timer_;
  std::list<Stranger> all_;  // in the order in which they came
  std::map<asio::ip::address, std::size_t> of_source_;
};

}  // namespace threepc::tcp
