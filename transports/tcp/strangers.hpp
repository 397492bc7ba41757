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
#include <utility>

#include "connection.hpp"
#include "token.hpp"

namespace threepc::tcp {

struct Stranger {
  std::shared_ptr<Connection> connection;
  std::unique_ptr<asio::steady_timer> timer;
  std::optional<Handshake> handshake;  // since its JOIN
};

/// Each has a few seconds. There is room for `most`; when it is full, the host that has most of it loses its oldest
/// one, so that nobody can keep others out.
class Strangers {
 public:
  Strangers(asio::io_context& io, std::size_t most) : io_(&io), most_(most) {}

  void add(const std::shared_ptr<Connection>& connection) {
    if (all_.size() >= most_)
      oldest_of_the_largest()->end("made room for others, because it did not join", Fault::crowded);
    auto timer = std::make_unique<asio::steady_timer>(*io_, time_to_join);
    timer->async_wait([weak = std::weak_ptr(connection)](const error_code& error) {
      const auto alive = weak.lock();
      if (!error && alive && !alive->trusted()) alive->end("did not join in time", Fault::silent);
    });
    all_.push_back({connection, std::move(timer), std::nullopt});
  }

  Stranger* find(const Connection& connection) {
    const auto at = std::find_if(all_.begin(), all_.end(),
                                 [&](const Stranger& stranger) { return stranger.connection.get() == &connection; });
    return at == all_.end() ? nullptr : &*at;
  }

  void forget(const Connection& connection) {
    all_.remove_if([&](const Stranger& stranger) { return stranger.connection.get() == &connection; });
  }

  void end_all(const std::string& reason) {
    for (const Stranger& stranger : std::exchange(all_, {})) stranger.connection->end(reason, Fault::left);
  }

 private:
  static constexpr auto time_to_join = std::chrono::seconds(5);

  /// Taken out of the list, so that another call finds another one.
  std::shared_ptr<Connection> oldest_of_the_largest() {
    std::map<asio::ip::address, std::size_t> count;
    for (const Stranger& stranger : all_) ++count[stranger.connection->source()];
    const auto largest =
        std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto oldest = std::find_if(all_.begin(), all_.end(), [&](const Stranger& stranger) {
      return stranger.connection->source() == largest->first;
    });
    const std::shared_ptr<Connection> connection = oldest->connection;
    all_.erase(oldest);
    return connection;
  }

  asio::io_context* io_;
  std::size_t most_;
  std::list<Stranger> all_;
};

}  // namespace threepc::tcp
