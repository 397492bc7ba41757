// What every worker's g_i is, remembered by the messages that made it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "method/replica.hpp"
#include "vector/tracked_vector.hpp"

namespace threepc {

/// Keeps the programs that the workers sent, because the programs are the state: replayed from zero they give each g_i,
/// bit for bit as the worker has it. So the server can give a lost worker its own back without storing n vectors from
/// the start. What a reset of all made irrelevant is forgotten; when the programs outgrow two vectors of the run for
/// each worker, they are replayed into one, or, where asking is cheaper, the workers are asked: at most four vectors of
/// dim values a worker, and only after that much was sent. Those of the last round stay apart until the next, because a
/// round may be undone.
class Ledger {
 public:
  /// How it gets smaller: by itself, or by restart() of all workers when is_full().
  enum class Shrinks { by_replaying, when_restarted };

  /// `tree` is the server's and outlives the ledger.
  Ledger(const Replica& tree, std::uint32_t workers, Shrinks shrinks = Shrinks::by_replaying);

  /// From here on, until the next round begins, what is noted can be undone.
  void begin_round();
  /// The program of `worker` in `round` was absorbed; `resets`: one of its operations resets g_i.
  void note(std::uint32_t worker, std::uint64_t round, std::span<const std::uint8_t> program, bool resets);
  /// Forgets what was noted since the round began.
  void undo_round();
  /// The last program of `worker` that was noted since the round began; nullopt: none was.
  std::optional<std::span<const std::uint8_t>> program_in_round(std::uint32_t worker) const;
  /// g_i after everything noted.
  TrackedVector state(std::uint32_t worker) const;
  /// Replays what was noted before the round began, so that state() of many workers costs one look at the log.
  void fold();
  /// Starts over from a state that was saved.
  void restart(std::uint32_t worker, TrackedVector state);
  bool is_full() const { return log_.size() + sizeof(Entry) * entries_.size() > most_; }

 private:
  struct Entry {
    std::uint32_t worker;
    bool resets;
    std::uint64_t round;
    std::size_t size;  // of its program
  };
  /// A place in the log.
  struct Mark {
    std::size_t entry = 0, byte = 0;
  };

  /// body(number, entry, program) for all entries from there on, in order.
  template <class Body>
  void each(Mark from, Body body) const;
  void settle();
  bool all_have_reset() const;
  void forget_before(Mark mark);
  std::vector<std::size_t> last_resets() const;

  const Replica* tree_;
  Shrinks shrinks_;
  std::size_t most_;                                // bytes
  std::vector<std::optional<TrackedVector>> base_;  // of each worker, before the log; none: zero
  std::vector<std::size_t> from_;                   // of each worker: the first entry that is not in its base
  std::vector<Entry> entries_;                      // in the order in which they were noted
  std::vector<std::uint8_t> log_;                   // their programs
  Mark began_;                                      // the round
  std::size_t restarted_ = 0;                       // workers, since the last note
};

}  // namespace threepc
