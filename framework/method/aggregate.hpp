// The server's g = (1/n) sum_i g_i, changed only by replaying what the workers sent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <threepc/sdk/bytes.hpp>
#include <vector>

#include "method/ledger.hpp"
#include "method/replica.hpp"
#include "method/rule.hpp"
#include "vector/exact_vector.hpp"

namespace threepc {

/// Keeps sum_i g_i in compensated double precision, so that it stays what the workers' h add up to over
/// millions of rounds. Stores no g_i, unless the mechanism says that a worker may reset alone; with ledgers, one of
/// each worker, a round that went wrong can be undone, and a worker that was lost gets its g_i back.
class Aggregate {
 public:
  struct Absorbed {
    std::uint64_t values = 0;  // real numbers that the message carried
    bool skipped = false;
  };

  /// With a ledger, or without; with a rule in place of the mean, or without (nullptr): with one, every g_i is kept.
  /// `tree` and `rule` outlive the aggregate.
  Aggregate(const Replica& tree, const Membership& membership, std::optional<Ledger::Shrinks> ledger = std::nullopt,
            Rule* rule = nullptr);

  /// Begins a round, in which no message of the workers `absent` is absorbed: their g_i stay as they are.
  /// Without a ledger, nobody may be absent from a round in which all others reset.
  void begin_round(std::uint64_t round, std::vector<std::uint32_t> absent = {});
  /// Replays the message of `worker` in the round that was begun. Workers come in ascending order, each once.
  Absorbed absorb(std::uint32_t worker, std::span<const std::uint8_t> program);
  /// Replays the message of an earlier round from which the worker was absent; after that round, before the next. If it
  /// throws, nothing was absorbed.
  Absorbed absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program);

  /// The round that was begun, and all that was absorbed in it, has not been. Needs a ledger; once a round.
  void undo_round();
  /// What the worker sent in this round is this program, or, with nullopt, nothing: all get the bits that they have if
  /// it had been so from the start. Needs a ledger. Throws what absorb throws, and then it is nothing.
  Absorbed redo(std::uint32_t worker, std::optional<std::span<const std::uint8_t>> program);

  /// The worker leaves for good: its g_i leaves the sum. Its next message, if one ever comes, is a new member's.
  void remove(std::uint32_t worker);
  /// Whether a message of the worker was absorbed since it was last removed: only these are in the mean.
  bool is_member(std::uint32_t worker) const { return held_.is_member[worker]; }

  std::uint32_t members() const { return held_.member_count; }
  /// sum_i g_i over the members.
  const ExactVector& sum() const { return held_.sum; }

  /// g, the mean over the members or what the rule makes of them, in the run's dtype; 0 if there are none. False if a
  /// coordinate is NaN or infinite, of g or of a g_i that the rule would see; then g is the mean.
  bool combine(RawVector& g) const;

  /// What the worker sent in this round, if it was absorbed. Needs a ledger.
  std::optional<std::span<const std::uint8_t>> program_in_round(std::uint32_t worker) const {
    return ledger_->program_in_round(worker);
  }
  /// g_i as its worker has it, bit for bit. Needs a ledger.
  TrackedVector state_of(std::uint32_t worker) const { return ledger_->state(worker); }
  bool remembers() const { return ledger_.has_value(); }
  /// Between two rounds, before state_of() all workers: makes it cheap. No round can be undone then.
  void prepare_states() { ledger_->begin_round(), ledger_->fold(); }
  /// Whether the ledger waits to be restarted from what the workers say.
  bool wants_states() const { return ledger_ && ledger_->is_full(); }

  /// Everything but the ledger, for a checkpoint; load takes it from the front of `in`, throws tpc::Error.
  void save(std::vector<std::uint8_t>& out) const;
  void load(tpc::Reader& in);
  /// What the ledger begins with after load().
  void restart_ledger(std::uint32_t worker, TrackedVector state);

 private:
  using Programs = std::map<std::uint32_t, std::vector<std::uint8_t>>;

  std::map<std::uint32_t, Absorbed> redo_all(const Programs& programs);
  Absorbed replay(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program,
                  const std::vector<Operation>& operations);
  void make_room(std::uint32_t worker, bool resets);
  void take_out(std::uint32_t worker);
  ExactVector& single(std::uint32_t worker);
  void reset_all();
  void take_back_loans();
  void replay_aside(const Operation& operation, std::uint64_t round, std::uint32_t worker);
  void require_same_resets(std::uint32_t worker, bool resets);

  /// What a round changes.
  struct Held {
    ExactVector sum;
    std::optional<ExactVector> lent;  // the sum of what the last messages lent
    std::vector<bool> is_member;
    std::uint32_t member_count = 0;
  };

  const Replica* tree_;
  Rule* rule_;
  Membership membership_;
  Held held_;
  std::vector<std::optional<ExactVector>> singles_;  // g_i, for TPC_RESETS_ALONE and rules; none: it has sent nothing
  std::optional<Ledger> ledger_;

  Held before_;                                         // the round, where it can be undone
  std::vector<std::uint32_t> absorbed_;                 // in this round so far
  std::vector<std::optional<ExactVector>> own_before_;  // their g_i before it, for TPC_RESETS_ALONE only

  std::vector<Operation> operations_;  // of the message in hand

  std::uint64_t round_ = 0;
  std::vector<std::uint32_t> absent_;
  std::vector<std::uint32_t> newcomers_;  // members since this round
  std::optional<std::uint32_t> first_;    // the first worker of this round
  bool first_resets_ = false;             // and whether it reset
};

}  // namespace threepc
