// What gives a worker of a graph its state back: a state that it once sent, and all that it has heard since.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "members/peers/mail.hpp"

namespace threepc {

/// A node is a function of the mail that it got: the server, which passes the mail on, so knows each node's state
/// without storing it. From time to time the workers send theirs, and what came before is forgotten. One thread.
class PublicationLog {
 public:
  /// `network` outlives it. Not `remembering`, it has no restorations but of a state of the last round.
  PublicationLog(const RunConfig& config, const Network& network, const MechanismTree& tree, bool remembering);

  /// In round `round`, which follows the last one, the workers published this, and heard that before their gradients
  /// were known (Relay::histories; nothing, where there was no exchange).
  void note(std::uint64_t round, std::vector<Bytes> published, std::vector<Bytes> histories);
  bool remembers() const { return remembering_; }
  /// The last round that was noted has not been. Once, and only one that remembers.
  void undo();
  /// What the workers said in the last round that was noted; nothing, before the first.
  const std::vector<Bytes>& last() const { return rounds_.back().published; }
  /// Their states after round `round`, which is one that was noted.
  void restart(std::uint64_t round, std::vector<Bytes> states);
  /// What worker `worker` needs to become what it was after the last round: the number (u64) of the round that follows
  /// the state, 0 for none; the state's size (u64) and it; and for each round since, the mail's size (u64) and it, and
  /// what was heard in its exchange.
  Bytes restoration(std::uint32_t worker) const;
  /// Goes on from restorations, after `round`, in which the workers published `last`.
  void resume(std::uint64_t round, std::vector<Bytes> restorations, std::vector<Bytes> last);

  /// Whether it is time to ask the workers for their states.
  bool is_full() const;
  /// Of a restoration, without its state.
  static std::uint64_t most_bytes(const RunConfig& config, const MechanismTree& tree, std::uint64_t parcels);

 private:
  struct Round {
    std::vector<Bytes> published, histories;
  };

  /// One more round at the end of a restoration.
  void append_round(std::uint32_t worker, std::size_t index, Bytes& out) const;

  const RunConfig* config_;
  const Network* network_;
  bool remembering_;
  std::uint64_t most_;
  std::int64_t restarted_;         // tpc_host.now
  std::uint64_t noted_bytes_ = 0;  // since
  std::uint64_t next_ = 0;         // the round that follows the last one
  std::vector<Bytes> bases_;       // restorations, up to the round of rounds_.front()
  std::deque<Round> rounds_;       // what was said in the round of the bases, and since
};

}  // namespace threepc
