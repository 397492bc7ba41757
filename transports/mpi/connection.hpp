// One peer in the job: what is on its way to it, and what has come from it. MPI keeps the order between two
// processes; a frame longer than a part goes as several MPI messages, because MPI counts in int.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <threepc/sdk/error.hpp>
#include <utility>
#include <vector>

#include "buffers.hpp"
#include "frame.hpp"
#include "job.hpp"

namespace threepc::mpi {

/// The most that one MPI message carries.
inline constexpr std::size_t largest_part = std::size_t{64} << 20;

/// Cumulative bytes of frames; MPI's own headers are its secret.
struct WireCounters {
  std::uint64_t sent = 0, received = 0;
};

/// Started operations that end in the order in which they were started, and the bytes that they send.
class Outgoing {
 public:
  void add(std::shared_ptr<const Bytes> bytes, std::size_t size, MPI_Request request) {
    parts_.push_back({std::move(bytes), size, request});
    queued_ += size;
  }

  /// Forgets what has left.
  void reap() {
    while (!parts_.empty()) {
      int done = 0;
      check(MPI_Test(&parts_.front().request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done == 0) return;
      queued_ -= parts_.front().size;
      parts_.pop_front();
    }
  }

  bool empty() const { return parts_.empty(); }
  std::size_t queued_bytes() const { return queued_; }

 private:
  struct Part {
    std::shared_ptr<const Bytes> bytes;
    std::size_t size;
    MPI_Request request;
  };

  std::deque<Part> parts_;
  std::size_t queued_ = 0;
};

/// Calls `start(data, size)` for each part of `size` bytes at `data`.
template <class Byte, class Start>
void in_parts(Byte* data, std::size_t size, Start start) {
  for (std::size_t at = 0; at < size; at += largest_part)
    start(data + at, static_cast<int>(std::min(largest_part, size - at)));
}

/// A frame that has come.
struct Inbound {
  FrameHeader header{FrameKind::message};
  Bytes bytes;  // the header's, then the payload's
  std::span<const std::uint8_t> payload() const { return std::span(bytes).subspan(header_size); }
};

class Connection {
 public:
  /// `on_control` is called from read() with every frame that is no message.
  using OnControl = std::function<void(Connection&, const Inbound&)>;

  Connection(MPI_Comm communicator, int peer, int tag, std::uint64_t longest, Buffers& buffers, WireCounters& wire,
             OnControl on_control)
      : communicator_(communicator),
        peer_(peer),
        tag_(tag),
        longest_(longest),
        buffers_(&buffers),
        wire_(&wire),
        on_control_(std::move(on_control)) {}

  std::uint32_t member() const { return static_cast<std::uint32_t>(peer_); }
  /// From now on a longer message ends the connection.
  void limit(std::uint64_t longest) { longest_ = longest; }
  bool joined() const { return joined_; }
  void set_joined() { joined_ = true; }

  /// Nothing more is to come, and why; the first reason stays.
  void end(const std::string& reason) {
    if (reason_.empty()) reason_ = reason;
  }
  bool ended() const { return !reason_.empty(); }
  const std::string& reason() const { return reason_; }

  /// The frame is kept until it has left. Where it takes several parts, its header goes alone, so that the peer
  /// knows how much memory the rest needs.
  void send(const std::shared_ptr<const Bytes>& frame) {
    const auto start = [&](const std::uint8_t* data, int size) {
      MPI_Request request = MPI_REQUEST_NULL;
      check(MPI_Isend(data, size, MPI_BYTE, peer_, tag_, communicator_, &request), "MPI_Isend");
      outgoing_.add(frame, static_cast<std::size_t>(size), request);
    };
    const std::size_t alone = frame->size() > largest_part ? header_size : 0;
    in_parts(frame->data(), alone, start);
    in_parts(frame->data() + alone, frame->size() - alone, start);
    wire_->sent += frame->size();
    outgoing_.reap();
  }
  void reap() { outgoing_.reap(); }
  std::size_t queued_bytes() const { return outgoing_.queued_bytes(); }

  /// A message of this peer that MPI has found; read() takes it when those before it are complete.
  void found(MPI_Message message, int size) { found_.push_back({message, size}); }

  /// Reads on as far as possible without waiting.
  void read() {
    try {
      while (!reading_.empty() || start_part())
        if (!finish_part()) return;
    } catch (const tpc::Corrupt& fault) {
      end(std::string("was cut off: ") + fault.what());
    }
  }

  bool has_message() const { return !inbox_.empty(); }
  Inbound take_message() {
    Inbound out = std::move(inbox_.front());
    inbox_.pop_front();
    return out;
  }

 private:
  struct Found {
    MPI_Message message;
    int size;
  };

  bool start_part() {
    if (found_.empty()) return false;
    Found next = found_.front();
    found_.pop_front();
    std::uint8_t* const to = grow_by(static_cast<std::size_t>(next.size));
    check(MPI_Imrecv(to, next.size, MPI_BYTE, &next.message, &reading_.emplace_back()), "MPI_Imrecv");
    return true;
  }

  /// A part that MPI's own tree brings: every member calls MPI_Ibcast in the order of the server's announcements.
  void start_broadcast() {
    in_parts(grow_by(frame_.header.length), frame_.header.length, [&](std::uint8_t* data, int size) {
      check(MPI_Ibcast(data, size, MPI_BYTE, peer_, communicator_, &reading_.emplace_back()), "MPI_Ibcast");
    });
  }

  /// Where the next `size` bytes of the frame go.
  std::uint8_t* grow_by(std::size_t size) {
    const std::size_t before = frame_.bytes.size(), after = before + size;
    if (after >= Buffers::worthwhile && after > frame_.bytes.capacity())
      move_to(buffers_->take(header_is_known_ ? room_for(after) : after));
    frame_.bytes.resize(after);
    wire_->received += size;
    return frame_.bytes.data() + before;
  }

  /// Memory grows with what has come, not with what a header promises.
  std::size_t room_for(std::size_t size) const {
    return std::max(size, std::min<std::size_t>(2 * size, header_size + frame_.header.length));
  }

  void move_to(Bytes memory) {
    memory.resize(std::max(memory.size(), frame_.bytes.size()));
    std::copy(frame_.bytes.begin(), frame_.bytes.end(), memory.begin());
    frame_.bytes.swap(memory);
    buffers_->give_back(std::move(memory));
  }

  /// False if the part is still on its way.
  bool finish_part() {
    int done = 0;
    check(MPI_Testall(static_cast<int>(reading_.size()), reading_.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
    if (done == 0) return false;
    reading_.clear();
    if (!header_is_known_) {
      frame_.header = read_header(frame_.bytes, longest_);
      header_is_known_ = true;
      if (frame_.header.kind == FrameKind::announcement) start_broadcast();
    }
    if (reading_.empty() && frame_.bytes.size() >= header_size + frame_.header.length) finish_frame();
    return true;
  }

  void finish_frame() {
    Inbound whole = std::exchange(frame_, {});
    header_is_known_ = false;
    if (whole.payload().size() != whole.header.length) throw tpc::Corrupt("a frame is longer than its header says");
    const FrameKind kind = whole.header.kind;
    if (kind != FrameKind::message && kind != FrameKind::announcement) return on_control_(*this, whole);
    if (!joined_) throw tpc::Corrupt("it sent a message before it had joined");
    inbox_.push_back(std::move(whole));
  }

  MPI_Comm communicator_;
  int peer_;
  int tag_;
  std::uint64_t longest_;
  Buffers* buffers_;
  WireCounters* wire_;
  OnControl on_control_;
  bool joined_ = false;
  std::string reason_;
  Outgoing outgoing_;
  std::deque<Found> found_;
  std::vector<MPI_Request> reading_;  // of the part that is being read
  Inbound frame_;                     // the parts so far
  bool header_is_known_ = false;
  std::deque<Inbound> inbox_;
};

}  // namespace threepc::mpi
