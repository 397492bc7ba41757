// The server's side of a run: it aggregates what the workers send.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "members/star/blame.hpp"
#include "members/star/conductor.hpp"
#include "members/star/downlink.hpp"
#include "members/star/evaluation.hpp"
#include "members/star/parcels.hpp"
#include "method/aggregate.hpp"
#include "method/iterate.hpp"
#include "method/points.hpp"
#include "method/replica.hpp"
#include "method/worker_state.hpp"

namespace threepc {

class Server final : public Conductor {
 public:
  /// As Conductor.
  Server(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress);

 private:
  /// What a worker sent in this round.
  struct Update {
    Aggregate::Absorbed what;
    std::size_t bytes;
  };

  void begin_at(std::span<const std::uint8_t> x0) override;
  void make_parts() override;
  void begin_downlink();
  void make_rule();
  std::optional<Ledger::Shrinks> ledgers() const;
  void decide_stepsize() override;
  double network_smoothness();

  bool play(std::uint64_t round) override;
  void begin_round(std::uint64_t round);
  void exchange(std::uint64_t round);
  void collect();
  bool finish_round(std::uint64_t round);
  void gather_evaluations();
  void average(std::uint64_t round);
  void report(std::uint64_t round);
  std::vector<bool> sample(std::uint64_t round) const;
  void absorb(std::uint64_t round);
  void absorb_from(std::uint64_t round, std::uint32_t worker, bool again);
  void replace_update(std::uint64_t round, std::uint32_t worker, const Failure& failure);
  void remove_guilty(std::uint64_t round);
  void count_round();
  void count(const Update& update) { journal_.count_update(update.what.values, update.bytes); }
  void evaluate(std::uint64_t round);
  void record(std::uint64_t round);
  void step(std::uint64_t round);
  bool is_reported(std::uint32_t worker) const { return aggregate_->is_member(worker) && !roster_.is_leaving(worker); }
  std::uint64_t longest_from_worker() const override;

  void save_own(Checkpoint& out) override;
  void load_own(const Checkpoint& from) override;
  void begin_checkpoint(std::uint64_t round);
  void write_checkpoint();
  void renew_ledgers();
  bool is_sound(std::uint32_t worker, const Bytes& state);
  void leave_state(bool asking) override;
  void undo_open_round();
  void save_whole_round(bool asking);
  void save_from_ledgers();
  void append_point(std::uint32_t worker, Bytes& out) const;
  void restore_downlink();
  void restore_workers() override;
  WorkerState state_of(std::uint32_t worker) const;
  TrackedVector remember(std::uint32_t worker, const Bytes& state);
  std::vector<RawVector*> held_vectors();

  Bytes restoration(std::uint32_t worker) override;
  bool is_member(std::uint32_t worker) const override { return aggregate_->is_member(worker); }
  void dismiss(std::uint32_t worker) override;
  void count_letter(std::uint32_t worker, bool asked) override;
  Downlink::Letter letter(std::uint32_t worker) override { return downlink_->letter(worker); }
  bool distrust(std::uint32_t worker) override;
  void absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program) override;

  // Since d is known.
  std::optional<Iterate> iterate_;
  std::optional<Replica> mechanism_;
  std::optional<Rule> rule_;
  std::optional<Aggregate> aggregate_;
  std::optional<Points> points_;  // in which the workers last took part
  std::optional<Downlink> downlink_;
  std::optional<Evaluation> evaluation_;
  std::optional<Blame> blame_;
  Relay relay_;

  std::vector<std::optional<Update>> absorbed_;  // in this round
  std::vector<Bytes> memories_;                  // what only the workers know, as of their last snapshots
  std::optional<Checkpoint> pending_;            // waits for the workers' part
  bool absorbing_ = false;                       // the aggregate is in the open round
  bool stepping_ = false;                        // x is between two rounds
  bool undone_ = false;                          // the workers are in a round that has not been
  bool has_memory_ = false;                      // a worker has more than g_i
  bool renewing_ = false;                        // the workers were asked for their states, for the ledgers
  bool finite_ = true;                           // g, in this round
  bool diverged_ = false;
};

}  // namespace threepc
