// A socket whose bytes wait for the strangers' turn until its peer is no stranger any more.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <utility>

#include "gate.hpp"

namespace threepc::tcp {

/// What lies below TLS: a step of a handshake is done when what it reads is handed on, and takes up to a millisecond.
class GatedSocket {
 public:
  using next_layer_type = asio::ip::tcp::socket;
  using lowest_layer_type = next_layer_type::lowest_layer_type;
  using executor_type = next_layer_type::executor_type;

  /// Without a gate nothing waits. The gate outlives this.
  GatedSocket(next_layer_type socket, Gate* gate, Turn turn) : socket_(std::move(socket)), gate_(gate), turn_(turn) {}

  next_layer_type& next_layer() { return socket_; }
  lowest_layer_type& lowest_layer() { return socket_.lowest_layer(); }
  executor_type get_executor() { return socket_.get_executor(); }

  void leave_gate() { gate_ = nullptr; }
  /// Whether something has come that waits for its turn.
  bool waits() const { return waits_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto final_handler, const Buffers& to) { this->read_some(to, std::move(final_handler)); }, handler,
        buffers);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return socket_.async_write_some(buffers, std::forward<Handler>(handler));
  }

 private:
  template <class Buffers, class Handler>
  void read_some(const Buffers& buffers, Handler handler) {
    if (gate_ == nullptr) return socket_.async_read_some(buffers, std::move(handler));
    auto held = std::make_shared<Handler>(std::move(handler));
    socket_.async_read_some(buffers, [this, held](const boost::system::error_code& error, std::size_t size) {
      if (error || gate_ == nullptr) return (*held)(error, size);
      waits_ = true;
      gate_->enter(
          [this, held, size] {
            waits_ = false;
            if (socket_.is_open()) return (*held)(boost::system::error_code(), size);
            (*held)(asio::error::operation_aborted, 0);  // it was ended meanwhile
          },
          turn_);
    });
  }

  next_layer_type socket_;
  Gate* gate_;
  Turn turn_;
  bool waits_ = false;
};

}  // namespace threepc::tcp
