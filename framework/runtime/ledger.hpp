// What one worker's g_i is, remembered by the messages that made it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wire/mechanism_tree.hpp"
#include "wire/tracked_vector.hpp"

namespace threepc {

/// Keeps the programs that a worker sent, because the program is the state: replayed from zero they give g_i, bit
/// for bit as the worker has it. So the server can give a lost worker its own back without storing n vectors from
/// the start. What a reset made irrelevant is forgotten; when the programs outgrow two vectors of the run, they are
/// replayed into one: at most four vectors of dim values a worker, and only after that much was sent. The last program
/// stays apart until the next, because its round may be undone.
class Ledger {
 public:
  /// `tree` is the server's and outlives the ledger.
  Ledger(const MechanismTree& tree, std::uint32_t worker);

  /// The program of `round` was absorbed; `resets`: one of its operations resets g_i.
  void note(std::uint64_t round, std::span<const std::uint8_t> program, bool resets);
  bool has_noted(std::uint64_t round) const { return last_ && last_->round == round; }
  /// Forgets the last program noted; once, until the next.
  void undo() { last_.reset(); }
  /// g_i after everything noted.
  TrackedVector state() const;
  /// The program noted last. There is one.
  const std::vector<std::uint8_t>& last_program() const { return program_; }
  /// Starts over from a state that was saved.
  void restart(const TrackedVector& state);

  std::size_t bytes() const { return program_.size() + log_.size() + sizeof(Entry) * entries_.size(); }

 private:
  struct Entry {
    std::uint64_t round;
    std::size_t size;  // of its program in log_
  };

  struct Last {
    std::uint64_t round;
    bool resets;
  };

  void settle();
  void forget();
  void replay_onto(TrackedVector& h) const;
  void fold();

  const MechanismTree* tree_;
  std::uint32_t worker_;
  std::optional<TrackedVector> base_;  // before the log; none: zero
  std::vector<Entry> entries_;
  std::vector<std::uint8_t> log_;
  std::optional<Last> last_;           // what was noted last, if it is not undone
  std::vector<std::uint8_t> program_;  // its program
};

}  // namespace threepc
