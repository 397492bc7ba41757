// What workers say to each other before a gradient is known (threepc/draft/exchange.h), as it goes by the server.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "members/messages.hpp"

namespace threepc {

/// Where a worker is in an evaluation, and a parcel for each peer, or of each. In bytes: the stage (u32), and for each
/// parcel the peer (u32), the size (u64) and the bytes.
struct Parcels {
  struct Parcel {
    std::uint32_t peer;
    std::span<const std::uint8_t> bytes;
  };
  std::uint32_t stage = 0;
  std::vector<Parcel> all;
};

void append_parcel(Bytes& out, std::uint32_t peer, std::span<const std::uint8_t> parcel);
/// The parcels lie in `bytes`. Throws tpc::Error.
Parcels parse_parcels(std::span<const std::uint8_t> bytes);

/// The server's part: passes on to each worker what its peers have for it, in worker order, and remembers it for one
/// that comes back, which plays the evaluation again. One thread.
class Relay {
 public:
  /// Of a problem with so many exchanges; 0: it has none.
  Relay(std::uint32_t exchanges, std::uint32_t workers) : exchanges_(exchanges), workers_(workers) {}

  std::uint32_t exchanges() const { return exchanges_; }
  /// Bytes of all parcels so far: what would cross a network in which workers have links to each other.
  std::uint64_t bytes() const { return bytes_; }
  double bits_per_worker() const { return 8 * static_cast<double>(bytes_) / workers_; }

  void begin_round(std::uint64_t round);
  /// Takes what `worker` says, unless it has said so before. Returns the stage of it. Throws Failure(Exit::peer).
  std::uint32_t take(std::uint32_t worker, std::uint64_t round, std::span<const std::uint8_t> message);
  /// All have said what they have for the open stage: the next may be taken.
  void close_stage() { ++open_; }
  std::uint32_t open_stage() const { return open_; }
  /// What the worker hears after a stage that is closed, sealed.
  Bytes mail(std::uint32_t worker, std::uint32_t stage) const;

  /// All that the worker has heard in the evaluation of a round, this one or the one before.
  void append_history(std::uint32_t worker, std::uint64_t round, Bytes& out) const;
  /// Worker by worker, of the round that was last begun.
  std::vector<Bytes> histories() const;
  /// Unless the round has not begun here.
  void undo_round(std::uint64_t round);
  /// Goes on after so many bytes, of which it remembers nothing.
  void resume(std::uint64_t bytes) { bytes_ = bytes; }
  /// Of the last round that is over; for a checkpoint.
  void save(std::uint64_t round, Bytes& out) const;
  void load(std::uint64_t round, tpc::Reader& in);

 private:
  /// By stage, then by worker.
  struct Round {
    std::uint64_t number = 0;
    std::vector<std::vector<Bytes>> heard;
  };

  const Round& of(std::uint64_t round) const { return round == now_.number ? now_ : before_; }
  void pass_on(std::uint32_t worker, const Parcels& parcels);

  std::uint32_t exchanges_, workers_;
  std::uint32_t open_ = 0;
  std::uint32_t next_ = 0;  // worker of the open stage
  std::uint64_t bytes_ = 0, bytes_before_ = 0;
  Round now_, before_;
};

}  // namespace threepc
