// One pair of a server and a worker: messages out, messages in, never more memory than the limits allow. Runs in the
// thread that calls the transport.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "segment.hpp"
#include "socket.hpp"

namespace threepc::shm {

using Bytes = std::vector<std::uint8_t>;

/// What stands before every message in the ring.
struct Header {
  static constexpr std::uint32_t expected_magic = 0x4D533354;  // "T3SM"
  std::uint64_t length = 0;
  std::uint64_t round = 0;
  std::uint32_t type = 0;
  std::uint32_t magic = expected_magic;
};
static_assert(sizeof(Header) == 24);

struct Inbound {
  std::uint32_t type = 0;
  std::uint64_t round = 0;
  Bytes data;
};

/// A message on its way into the ring, and what of it is still to go.
struct Outgoing {
  Outgoing(const tpc_message& message, std::shared_ptr<const Bytes> bytes = nullptr)
      : header{message.size, message.round, message.type},
        payload(message.data, message.size),
        owner(std::move(bytes)) {}

  bool begun() const { return header_left < sizeof header; }
  bool done() const { return header_left == 0 && payload.empty(); }
  std::uint64_t left() const { return header_left + payload.size(); }
  std::span<const std::uint8_t> header_rest() const {
    return std::span(reinterpret_cast<const std::uint8_t*>(&header), sizeof header).last(header_left);
  }

  Header header;
  std::size_t header_left = sizeof(Header);
  std::span<const std::uint8_t> payload;
  std::shared_ptr<const Bytes> owner;  // of the payload; null: the caller
};

/// Bytes that crossed the rings of a member.
struct WireCounters {
  std::uint64_t sent = 0, received = 0;
};

class Connection {
 public:
  Connection(Socket socket, Segment segment, const Ring& out, const Ring& in, std::uint64_t longest_message,
             WireCounters& counters)
      : socket_(std::move(socket)),
        segment_(std::move(segment)),
        writer_(out),
        reader_(in),
        longest_(longest_message),
        counters_(&counters) {}

  const Socket& socket() const { return socket_; }

  /// From now on a longer message ends the connection, also one that is coming in.
  void limit(std::uint64_t longest_message) {
    longest_ = longest_message;
    if (!gone_ && header_filled_ == sizeof header_) guarded([&] { return require_length(), true; });
  }

  // ---- sending

  /// Moves what there is room for into the ring, after what was kept before it. True if anything moved.
  bool put(Outgoing& message) {
    const bool moved = flush();
    return (outbox_.empty() && move(message)) || moved;
  }

  /// Takes the rest of a message over; it leaves during later calls. Copies unless the message owns its bytes.
  void keep(Outgoing message) {
    if (gone_) return;
    if (message.owner == nullptr) {
      message.owner = std::make_shared<const Bytes>(message.payload.begin(), message.payload.end());
      message.payload = *message.owner;
    }
    kept_ += message.left();
    outbox_.push_back(std::move(message));
  }
  std::uint64_t kept() const { return kept_; }

  /// True if anything moved.
  bool flush() {
    bool moved = false;
    while (!outbox_.empty()) {
      const std::uint64_t before = outbox_.front().left();
      moved |= move(outbox_.front());
      if (outbox_.empty()) break;  // the peer broke its promises meanwhile
      kept_ -= before - outbox_.front().left();
      if (!outbox_.front().done()) break;
      outbox_.pop_front();
    }
    return moved;
  }

  // ---- receiving

  /// Reads until a message is complete or nothing is left to read.
  void read_message() {
    while (inbox_.empty() && read_piece()) continue;
  }
  /// Reads what is there, so that the peer can go on writing; up to a limit.
  void drain() {
    while (waiting_ < most_waiting && read_piece()) continue;
  }
  bool has_message() const { return !inbox_.empty(); }

  /// The first message goes to `out`, whose memory is used again.
  void take_message(Inbound& out) {
    std::swap(out, inbox_.front());
    waiting_ -= cost_of(out);
    spare_.swap(inbox_.front().data);
    inbox_.pop_front();
  }

  /// From now on what comes is dropped.
  void ignore_messages() {
    ignoring_ = true;
    inbox_.clear();
    waiting_ = 0;
  }

  // ---- sleeping and waking

  void want_message(bool wanted) { wants_message_ = wanted; }
  void want_space(bool wanted) { wants_space_ = wanted; }

  /// Before the thread sleeps: asks the peer for a wake-up when what is wanted is there. False: it is there already.
  bool sleep() {
    if (gone_) return true;
    return guarded([&] {
      const bool writing = wants_space_ || !outbox_.empty();
      // The peer may be asleep for another's sake, with our ring full.
      if (writing) socket_.ring();
      const bool nothing_to_read = !wants_message_ || reader_.sleep();
      const bool no_room = !writing || writer_.sleep();
      return nothing_to_read && no_room;
    });
  }
  void wake() {
    if (gone_) return;
    reader_.wake();
    writer_.wake();
  }

  /// The socket has something to say: a wake-up, or the end.
  void listen() {
    if (!gone_ && !socket_.hear()) lose("");
  }

  // ---- the end

  /// The peer's process has ended, it has closed, or it broke its promises; what it wrote before may still be read.
  bool gone() const { return gone_; }

  /// Nothing will ever come again.
  bool finished() {
    if (has_message()) return false;
    if (!gone_ && !guarded([&] { return reader_.at_end(); })) return false;
    read_message();
    return !has_message();
  }

  /// Why it is finished, to follow the peer's name.
  std::string reason() {
    if (!reason_.empty()) return reason_;
    if (guarded([&] { return reader_.at_end(); }) && !in_message()) return "has left";
    return in_message() ? "is gone, in the middle of a message" : "is gone; its process ended without a goodbye";
  }

  /// All that was sent is in the ring; the peer reads it whether or not we live.
  void say_goodbye() {
    if (gone_) return;
    writer_.close();
    lose("has been left");
  }

  /// The socket is closed and nothing is sent any more. `reason` is "" when the peer decided so.
  void lose(const std::string& reason) {
    gone_ = true;
    if (reason_.empty()) reason_ = reason;
    socket_.close();
    outbox_.clear();
    kept_ = 0;
  }

 private:
  static constexpr std::size_t piece = std::size_t{64} << 10;  // the peer works on one while we work on the next
  static constexpr std::uint64_t most_waiting = std::uint64_t{64} << 20;  // bytes; then the ring is not read
  static constexpr std::size_t worth_giving_back = std::size_t{1} << 20;

  static std::uint64_t cost_of(const Inbound& message) { return message.data.size() + sizeof(Inbound); }
  bool in_message() const { return header_filled_ > 0; }

  /// What the peer writes into the shared memory may be anything: nonsense ends the connection, and nothing else.
  template <class Look>
  bool guarded(Look look) {
    try {
      return look();
    } catch (const tpc::Corrupt& fault) {
      broken_ = true;
      lose(std::string("broke the shared memory: ") + fault.what());
      return false;
    }
  }

  bool move(Outgoing& message) {
    return !gone_ && guarded([&] {
      bool moved = false;
      while (!message.done() && writer_.space() > 0) {
        moved = true;
        const std::size_t head = writer_.write(message.header_rest());
        message.header_left -= head;
        std::size_t body = 0;
        if (message.header_left == 0)
          body = writer_.write(message.payload.first(std::min(message.payload.size(), piece)));
        message.payload = message.payload.subspan(body);
        counters_->sent += head + body;
        if (writer_.publish()) socket_.ring();
      }
      return moved;
    });
  }

  /// One look into the ring. False: nothing was there.
  bool read_piece() {
    return !broken_ && guarded([&] {
      const std::span<const std::uint8_t> there = reader_.readable();
      if (there.empty()) return false;
      const std::size_t used = header_filled_ < sizeof header_ ? read_header(there) : read_payload(there);
      counters_->received += used;
      if (reader_.consume(used)) socket_.ring();
      if (header_filled_ == sizeof header_ && left_ == 0) finish_message();
      return true;
    });
  }

  std::size_t read_header(std::span<const std::uint8_t> there) {
    const std::size_t size = std::min(there.size(), sizeof header_ - header_filled_);
    std::memcpy(reinterpret_cast<std::uint8_t*>(&header_) + header_filled_, there.data(), size);
    header_filled_ += size;
    if (header_filled_ == sizeof header_) begin_message();
    return size;
  }

  void begin_message() {
    if (header_.magic != Header::expected_magic) throw tpc::Corrupt("no message begins where one should");
    require_length();
    left_ = header_.length;
    data_ = std::move(spare_);
    data_.clear();
    if (data_.capacity() > worth_giving_back && data_.capacity() / 4 > left_) Bytes().swap(data_);
  }

  void require_length() const {
    if (header_.length > longest_)
      throw tpc::Corrupt(tpc::text("a message of ", header_.length, " bytes, at most ", longest_, " are accepted"));
  }

  std::size_t read_payload(std::span<const std::uint8_t> there) {
    const auto bytes = there.first(std::min<std::uint64_t>({there.size(), left_, piece}));
    if (!ignoring_) append(bytes);
    left_ -= bytes.size();
    return bytes.size();
  }

  /// The buffer grows with what has arrived, never with what a header promises.
  void append(std::span<const std::uint8_t> bytes) {
    if (data_.capacity() - data_.size() < bytes.size())
      data_.reserve(std::min<std::uint64_t>(header_.length, 2 * std::max(data_.capacity(), piece)));
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    waiting_ += bytes.size();
  }

  void finish_message() {
    header_filled_ = 0;
    if (ignoring_) return;
    inbox_.push_back({header_.type, header_.round, std::move(data_)});
    waiting_ += sizeof(Inbound);
  }

  Socket socket_;
  Segment segment_;
  RingWriter writer_;
  RingReader reader_;
  std::uint64_t longest_;
  WireCounters* counters_;
  std::deque<Outgoing> outbox_;
  std::uint64_t kept_ = 0;  // bytes in the outbox
  Header header_;           // of the message that is coming in
  std::size_t header_filled_ = 0;
  std::uint64_t left_ = 0;  // bytes of its payload that have not come
  Bytes data_;              // those that have
  Bytes spare_;             // memory for the next
  std::deque<Inbound> inbox_;
  std::uint64_t waiting_ = 0;  // bytes of messages that nobody has taken, the last one perhaps incomplete
  bool ignoring_ = false, wants_message_ = false, wants_space_ = false, gone_ = false, broken_ = false;
  std::string reason_;
};

}  // namespace threepc::shm
