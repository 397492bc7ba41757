// One TCP connection: frames out, frames in, never more memory than the limits allow. Runs in the thread that
// runs its io_context.
#pragma once

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frame.hpp"

namespace threepc::tcp {

namespace asio = boost::asio;
using Bytes = std::vector<std::uint8_t>;

/// A message that has arrived and nobody has asked for yet.
struct Inbound {
  std::uint32_t type = 0;
  std::uint64_t round = 0;
  Bytes data;
};

/// Bytes on all sockets of a member, frames and handshakes included.
struct WireCounters {
  std::uint64_t sent = 0, received = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Called for every frame but messages, which go to the inbox, and when the connection has ended.
  struct Handler {
    std::function<void(Connection&, const Decoded&)> on_control;
    std::function<void(Connection&)> on_end;
  };

  Connection(asio::ip::tcp::socket socket, WireCounters& counters, std::uint64_t longest_message, Handler handler)
      : socket_(std::move(socket)), counters_(&counters), longest_(longest_message), handler_(std::move(handler)) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    const auto remote = socket_.remote_endpoint(ignored);
    name_ = remote.address().to_string(ignored) + ":" + std::to_string(remote.port());
  }

  void start() { read_more(); }

  /// From now on messages are accepted; before, only the small frames of a handshake.
  void trust() { trusted_ = true; }
  bool trusted() const { return trusted_; }

  /// Queues a frame; it leaves as the socket takes it.
  void send(std::shared_ptr<const Bytes> frame) {
    if (ended_) return;
    queued_bytes_ += frame->size();
    outbox_.push_back(std::move(frame));
    if (outbox_.size() == 1) write_more();
  }
  std::size_t queued_bytes() const { return queued_bytes_; }

  bool has_message() const { return !inbox_.empty(); }
  Inbound take_message() {
    Inbound first = std::move(inbox_.front());
    inbox_.pop_front();
    if (!reading_) resume();
    return first;
  }

  /// After what is queued has left: no more will be sent. What the peer sends is read and dropped.
  void finish_sending() {
    finishing_ = true;
    inbox_.clear();
    if (outbox_.empty()) shut_down();
    // A full inbox had stopped the reading; a peer that is closing as well waits for it. Not here and now: this
    // may be the handler of a frame.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      if (!self->reading_) self->resume();
    });
  }

  /// Ends at once. `reason` is what a caller waiting for this peer is told.
  void end(const std::string& reason) {
    if (ended_) return;
    ended_ = true;
    reason_ = reason;
    boost::system::error_code ignored;
    socket_.close(ignored);
    outbox_.clear();
    queued_bytes_ = 0;
    handler_.on_end(*this);
  }
  bool ended() const { return ended_; }
  const std::string& reason() const { return reason_; }
  const std::string& name() const { return name_; }  // "127.0.0.1:41234"

 private:
  static constexpr std::size_t chunk = 64 * 1024;
  static constexpr std::size_t most_waiting = 8;              // messages; then the socket is not read
  static constexpr std::uint64_t longest_of_stranger = 1024;  // bytes of a frame before the handshake is done

  std::uint64_t longest() const { return trusted_ ? longest_ : longest_of_stranger; }

  void read_more() {
    if (ended_ || reading_) return;
    // The buffer grows with what has arrived, never with what a header promises.
    if (buffer_.size() - filled_ < chunk / 2) buffer_.resize(std::max(2 * buffer_.size(), chunk));
    reading_ = true;
    socket_.async_read_some(asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                              self->reading_ = false;
                              self->on_read(error, size);
                            });
  }

  void on_read(const boost::system::error_code& error, std::size_t size) {
    if (ended_) return;
    if (error)
      return end(said_goodbye_               ? "has left"
                 : error == asio::error::eof ? "closed the connection"
                                             : "lost the connection: " + error.message());
    counters_->received += size;
    filled_ += size;
    resume();
  }

  /// Takes whole frames out of the buffer, then reads on, unless enough messages wait already.
  void resume() {
    std::size_t used = 0;
    while (!ended_ && inbox_.size() < most_waiting) {
      const Decoded frame = decode_frame({buffer_.data() + used, filled_ - used}, longest());
      if (frame.state == Decoded::State::incomplete) break;
      if (frame.state == Decoded::State::bad) return end("sent a bad frame: " + frame.fault);
      take(frame);
      used += frame.size;
    }
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(used),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= used;
    if (filled_ == 0 && buffer_.size() > 16 * chunk) Bytes().swap(buffer_);
    if (inbox_.size() < most_waiting) read_more();
  }

  void take(const Decoded& frame) {
    if (frame.header.kind == FrameKind::goodbye)
      said_goodbye_ = true;
    else if (finishing_)
      return;  // nothing is of interest any more but the end
    else if (frame.header.kind != FrameKind::message)
      handler_.on_control(*this, frame);
    else if (!trusted_)
      end("sent a message before it joined");
    else
      inbox_.push_back({frame.header.type, frame.header.round, {frame.payload.begin(), frame.payload.end()}});
  }

  void write_more() {
    asio::async_write(
        socket_, asio::buffer(*outbox_.front()),
        [self = shared_from_this(), held = outbox_.front()](const boost::system::error_code& error, std::size_t size) {
          self->counters_->sent += size;
          self->on_written(error);
        });
  }

  void on_written(const boost::system::error_code& error) {
    if (ended_) return;
    // A peer that is gone may have said why: what it sent is still to be read, so only writing stops here.
    if (error) write_failed_ = true;
    queued_bytes_ -= outbox_.front()->size();
    outbox_.pop_front();
    if (write_failed_) {
      outbox_.clear();
      queued_bytes_ = 0;
    }
    if (!outbox_.empty())
      write_more();
    else if (finishing_)
      shut_down();
  }

  void shut_down() {
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  asio::ip::tcp::socket socket_;
  WireCounters* counters_;
  std::uint64_t longest_;
  Handler handler_;
  std::string name_;
  Bytes buffer_;
  std::size_t filled_ = 0;
  std::deque<Inbound> inbox_;
  std::deque<std::shared_ptr<const Bytes>> outbox_;
  std::size_t queued_bytes_ = 0;
  bool trusted_ = false, reading_ = false, finishing_ = false, said_goodbye_ = false, write_failed_ = false,
       ended_ = false;
  std::string reason_;
};

}  // namespace threepc::tcp
