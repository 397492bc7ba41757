// One connection: frames out, frames in, never more memory than the limits allow. Runs in the thread that runs its
// io_context.
#pragma once

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../faults.hpp"
#include "buffer.hpp"
#include "frame.hpp"
#include "liveness.hpp"
#include "stream.hpp"

namespace threepc::tcp {

using Bytes = std::vector<std::uint8_t>;

/// A frame that several connections may send.
inline std::shared_ptr<const Bytes> shared_frame(const FrameHeader& header, std::span<const std::uint8_t> payload) {
  return std::make_shared<const Bytes>(to_frame(header, payload));
}
inline std::shared_ptr<const Bytes> shared_frame(FrameKind kind, std::uint32_t sender,
                                                 std::span<const std::uint8_t> payload = {}) {
  return shared_frame({kind, sender}, payload);
}

/// A message that has arrived and nobody has asked for yet.
struct Inbound {
  std::uint32_t type = 0;
  std::uint64_t round = 0;
  Buffer memory;           // of the payload, after
  std::size_t before = 0;  // so many bytes of its frame
  std::uint64_t size = 0;  // of the payload
  const std::uint8_t* data() const { return memory.data() + before; }
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Handler {
    std::function<void(Connection&)> on_ready;                    // greeted: frames can be exchanged
    std::function<void(Connection&, const Decoded&)> on_control;  // a frame that is no message
    std::function<void(Connection&)> on_end;                      // nothing will be exchanged any more
    std::function<void(Connection&)> on_close;                    // and its socket is closed
  };

  Connection(std::unique_ptr<Stream> stream, int keepalive, std::uint64_t longest_message, Handler handler)
      : stream_(std::move(stream)), keepalive_(keepalive), longest_(longest_message), handler_(std::move(handler)) {
    error_code ignored;
    asio::ip::tcp::socket& socket = stream_->socket();
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto remote = socket.remote_endpoint(ignored);
    source_ = remote.address();
    const std::string host = source_.to_string();
    name_ = (source_.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(remote.port());
  }

  void start() {
    stream_->greet([self = shared_from_this()](const std::optional<Ending>& failure) {
      if (self->ended_) return;
      if (failure) return self->dismiss(*failure);
      self->handler_.on_ready(*self);
      self->read_more();
    });
  }

  /// From now on messages are accepted; before, only the small frames of a handshake.
  void trust() {
    trusted_ = true;
    keep_alive(stream_->socket().native_handle(), keepalive_);
    stream_->leave_gate();
  }
  bool trusted() const { return trusted_; }

  /// From now on a longer message ends the connection, also one that is coming in, when more of it comes.
  void limit(std::uint64_t longest_message) { longest_ = longest_message; }

  /// Queues a frame; it leaves as the socket takes it.
  void send(std::shared_ptr<const Bytes> frame) {
    if (ended_ || write_failed_) return;
    queued_bytes_ += frame->size();
    outbox_.push_back(std::move(frame));
    if (outbox_.size() == 1) write_more();
  }
  std::size_t queued_bytes() const { return queued_bytes_; }

  bool has_message() const { return !inbox_.empty(); }
  Inbound take_message() {
    Inbound first = std::move(inbox_.front());
    inbox_.pop_front();
    inbox_bytes_ -= first.size;
    if (!reading_) resume();
    return first;
  }

  /// After what is queued has left: no more will be sent. What the peer sends is read and dropped.
  void finish_sending() {
    finishing_ = true;
    inbox_.clear();
    inbox_bytes_ = 0;
    if (outbox_.empty()) shut_down();
    // A full inbox had stopped the reading; a peer that is closing as well waits for it. Not here and now: this
    // may be the handler of a frame.
    asio::post(stream_->socket().get_executor(), [self = shared_from_this()] {
      if (!self->reading_) self->resume();
    });
  }

  /// Ends at once. `reason` is what a caller waiting for this peer is told.
  void end(const std::string& reason, Fault fault) {
    conclude({reason, false}, fault);
    close();
  }
  /// As end(), for one that may try again: it is told so, where it can hear it.
  void send_away(const std::string& reason, Fault fault) {
    static const Bytes frame = to_frame({FrameKind::reject}, to_reject(Refusal::come_again, "it is busy; come again"));
    if (!stream_->is_secret() && outbox_.empty()) tell(frame);
    end(reason, fault);
  }
  void end_because_of_unexpected_frame() { end("sent an unexpected frame", Fault::frame); }
  /// Ends it if the peer has acknowledged nothing for as long as keep-alive allows.
  void end_if_cut_off() {
    if (!ended_ && is_cut_off(stream_->socket().native_handle(), keepalive_))
      end("has acknowledged nothing for " + std::to_string(keepalive_) +
              " s ([transport] keepalive): its host or the " + "link is down",
          Fault::left);
  }

  /// Nothing has come from it yet.
  bool is_silent() const { return !has_spoken_ && !stream_->has_begun() && !something_has_come(); }
  /// It has said something, and it is for this side to answer.
  bool waits() const { return stream_->waits() || something_has_come(); }

  bool ended() const { return ended_; }
  const std::string& reason() const { return ending_.text; }
  bool end_is_final() const { return ending_.is_final; }
  Fault fault() const { return fault_; }
  const std::string& name() const { return name_; }  // "127.0.0.1:41234"
  const asio::ip::address& source() const { return source_; }
  const Stream& stream() const { return *stream_; }

 private:
  static constexpr std::size_t small_buffer = 2048;             // of a stranger
  static constexpr std::size_t buffer = std::size_t{16} << 10;  // of a member between two messages
  static constexpr std::size_t large = 1 << 20;                 // what is reserved for a message before it arrives
  static constexpr std::size_t most_waiting = 8;                // messages; then the socket is not read
  static constexpr std::uint64_t most_bytes_waiting = large;    // likewise
  static constexpr std::size_t most_discarded = std::size_t{64} << 10;  // of a stranger that has been refused
  static constexpr std::uint64_t longest_of_stranger = 1024;            // bytes of a frame before the handshake is done

  std::uint64_t longest() const { return trusted_ ? longest_ : longest_of_stranger; }
  bool wants_more() const { return !ended_ && inbox_.size() < most_waiting && inbox_bytes_ < most_bytes_waiting; }

  /// The buffer grows with what has arrived, never with what a header promises, up to the frame that is arriving.
  void make_room() {
    const std::size_t least = trusted_ ? buffer : small_buffer;
    const std::size_t some = std::min(expected_, std::max(2 * filled_, large));
    const std::size_t size = std::max(least, some);
    if (filled_ == buffer_.size()) buffer_.grow(size);
  }

  void read_more() {
    if (ended_ || reading_) return;
    make_room();
    reading_ = true;
    stream_->read_some(asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
                       [self = shared_from_this()](const error_code& error, std::size_t size) {
                         self->reading_ = false;
                         self->on_read(error, size);
                       });
  }

  void on_read(const error_code& error, std::size_t size) {
    if (ended_) return;
    if (error) {
      conclude(said_goodbye_ ? Ending{"has left", false} : stream_->explain(error), Fault::left);
      return close();
    }
    if (finishing_ && !trusted_ && has_discarded_enough(size)) return end("was refused and went on", Fault::frame);
    has_spoken_ = true;
    filled_ += size;
    resume();
  }

  /// Takes whole frames out of the buffer, then reads on, unless enough messages wait already.
  void resume() {
    std::size_t used = 0;
    expected_ = 0;
    while (wants_more()) {
      const Decoded frame = decode_frame({buffer_.data() + used, filled_ - used}, longest());
      expected_ = frame.size;
      if (frame.state == Decoded::State::incomplete) break;
      if (frame.state == Decoded::State::bad) return end_because_of(frame);
      used += frame.size;
      take(frame, used == filled_ && frame.size > buffer);
      if (buffer_.size() == 0) used = 0;  // it was handed over
    }
    if (used > 0) drop(used);
    if (wants_more()) read_more();
  }

  void end_because_of(const Decoded& bad) {
    // "Protocol version", so that a client knows that trying again is no use (RFC 8446, 6).
    static const Bytes alert = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 70};
    if (!stream_->is_secret() && is_tls({buffer_.data(), filled_})) tell(alert);
    end("sent a bad frame: " + bad.fault, Fault::frame);
  }

  bool something_has_come() const {
    error_code ignored;
    return stream_->socket().available(ignored) > 0;
  }

  /// What fits into the socket, which is enough for a few words.
  void tell(const Bytes& bytes) {
    error_code ignored;
    stream_->socket().non_blocking(true, ignored);
    stream_->socket().send(asio::buffer(bytes), 0, ignored);
  }

  void drop(std::size_t used) {
    std::copy(buffer_.data() + used, buffer_.data() + filled_, buffer_.data());
    filled_ -= used;
    if (filled_ == 0 && buffer_.size() > buffer) buffer_ = Buffer();
  }

  /// `alone`: the buffer ends with this frame, which is large, so that it can be handed over without a copy.
  void take(const Decoded& frame, bool alone) {
    if (frame.header.kind == FrameKind::goodbye)
      said_goodbye_ = true;
    else if (finishing_)
      return;  // nothing is of interest any more but the end
    else if (frame.header.kind != FrameKind::message)
      handler_.on_control(*this, frame);
    else if (!trusted_)
      end("sent a message before it joined", Fault::frame);
    else
      keep(frame, alone);
  }

  void keep(const Decoded& frame, bool alone) {
    Inbound message{frame.header.type, frame.header.round, {}, 0, frame.payload.size()};
    if (alone) {
      message.before = static_cast<std::size_t>(frame.payload.data() - buffer_.data());
      message.memory = std::move(buffer_);
      filled_ = 0;
    } else {
      message.memory.grow(frame.payload.size());
      std::copy(frame.payload.begin(), frame.payload.end(), message.memory.data());
    }
    inbox_bytes_ += message.size;
    inbox_.push_back(std::move(message));
  }

  void write_more() {
    stream_->write(asio::buffer(*outbox_.front()),
                   [self = shared_from_this(), held = outbox_.front()](const error_code& error, std::size_t) {
                     self->on_written(error);
                   });
  }

  void on_written(const error_code& error) {
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
    error_code ignored;
    stream_->socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  /// Ends, but leaves the socket open until the peer has closed its end: closing it while something unread lies in it
  /// would destroy what was sent last, which says what is wrong.
  void dismiss(const Ending& ending) {
    conclude(ending, Fault::tls);
    shut_down();
    discard();
  }

  void discard() {
    buffer_.grow(small_buffer);
    stream_->socket().async_read_some(asio::buffer(buffer_.data(), small_buffer),
                                      [self = shared_from_this()](const error_code& error, std::size_t size) {
                                        const bool over = error || self->has_discarded_enough(size);
                                        over ? self->close() : self->discard();
                                      });
  }

  /// Whoever is not wanted here may finish its sentence, not flood.
  bool has_discarded_enough(std::size_t size) { return (discarded_ += size) > most_discarded; }

  void conclude(const Ending& ending, Fault fault) {
    if (ended_) return;
    ended_ = true;
    ending_ = ending;
    fault_ = fault;
    outbox_.clear();
    queued_bytes_ = 0;
    handler_.on_end(*this);
  }

  void close() {
    if (!stream_->socket().is_open()) return;
    error_code ignored;
    stream_->socket().close(ignored);
    handler_.on_close(*this);
  }

  std::unique_ptr<Stream> stream_;
  int keepalive_;
  std::uint64_t longest_;
  Handler handler_;
  asio::ip::address source_;
  std::string name_;
  Buffer buffer_;
  std::size_t filled_ = 0;
  std::size_t expected_ = 0;  // size of the frame that is arriving, 0 while its header is not there
  std::deque<Inbound> inbox_;
  std::uint64_t inbox_bytes_ = 0;
  std::deque<std::shared_ptr<const Bytes>> outbox_;
  std::size_t queued_bytes_ = 0, discarded_ = 0;
  bool trusted_ = false, has_spoken_ = false, reading_ = false, finishing_ = false, said_goodbye_ = false,
       write_failed_ = false, ended_ = false;
  Ending ending_;
  Fault fault_ = Fault::left;
};

}  // namespace threepc::tcp
