// The server's side of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "members/injector.hpp"
#include "members/star/blame.hpp"
#include "members/star/downlink.hpp"
#include "members/star/evaluation.hpp"
#include "members/star/roster.hpp"
#include "method/aggregate.hpp"
#include "method/iterate.hpp"
#include "method/points.hpp"
#include "method/replica.hpp"
#include "method/worker_state.hpp"
#include "record/checkpoint.hpp"
#include "record/journal.hpp"
#include "record/profile.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "record/summary.hpp"
#include "signals.hpp"

namespace threepc {

class Server : private Roster::Home {
 public:
  /// Everything outlives the server. `channel` is open.
  Server(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress);

  /// Before run(): goes on from there in place of starting.
  void resume(const Checkpoint& checkpoint);

  /// Takes in the workers, runs all rounds, and dismisses the workers. Throws Failure; the workers have been
  /// told by then.
  Summary run();
  /// Before run(): measures where the time goes, `with_events` also when each phase was.
  void measure_time(bool with_events) { profile_.server.begin(with_events), with_events_ = with_events; }
  /// After it.
  const RunProfile& profile() const { return profile_; }

  /// Whether there is a round whose end an interruption can wait for.
  bool in_rounds() const { return in_rounds_; }
  /// Of all rounds so far; nanoseconds.
  std::int64_t longest_round() const { return longest_round_; }
  /// Whether a worker that was lost may join again now.
  bool takes_in() const { return in_rounds_ && roster_.survives(); }

 private:
  /// What a worker sent in this round.
  struct Update {
    Aggregate::Absorbed what;
    std::size_t bytes;
  };
  /// What a worker has read; see WorkerFacts.
  struct Data {
    std::uint64_t digest;
    bool may_differ;
  };

  void prepare();
  bool was_member(std::uint32_t worker) const;
  void begin_from(const WorkerFacts& facts, std::span<const std::uint8_t> x0);
  void require_same_data(std::uint32_t worker, const WorkerFacts& facts) const;
  void make_parts();
  void begin_downlink();
  std::optional<Ledger::Shrinks> ledgers() const;
  void decide_stepsize();
  double network_smoothness();

  void rounds();
  bool is_over_already();
  std::uint64_t next_round() const { return resumed_ != nullptr ? absorbed_round_ + 1 : 0; }
  void begin_round(std::uint64_t round);
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
  void finish(const std::string& stopped_by);
  bool is_reported(std::uint32_t worker) const { return aggregate_->is_member(worker) && !roster_.is_leaving(worker); }
  std::uint64_t wire_bytes() const;
  Profile::Scope in(Phase phase) { return {profile_.server, phase, open_round_.value_or(0)}; }
  void begin_profile();
  void gather_profiles();

  bool wants_checkpoint(std::uint64_t round);
  Checkpoint server_part(std::uint64_t round);
  void begin_checkpoint(std::uint64_t round);
  void write_checkpoint();
  void write(Checkpoint checkpoint);
  void renew_ledgers();
  bool is_sound(std::uint32_t worker, const Bytes& state);
  void leave_state(bool asking);
  void undo_open_round();
  void save_whole_round(bool asking);
  void save_from_ledgers();
  void append_point(std::uint32_t worker, Bytes& out) const;
  void restore();
  void restore_downlink();
  void restore_workers();
  WorkerState state_of(std::uint32_t worker) const;
  TrackedVector remember(std::uint32_t worker, const Bytes& state);
  std::vector<RawVector*> held_vectors();

  Bytes restoration(std::uint32_t worker) override;
  std::uint64_t restoration_round() const override { return absorbed_round_; }
  double stepsize() const override { return summary_.stepsize; }
  void accept(std::uint32_t worker, const WorkerFacts& facts, std::span<const std::uint8_t> x0) override;
  bool is_member(std::uint32_t worker) const override { return aggregate_->is_member(worker); }
  void dismiss(std::uint32_t worker) override;
  void warn(const std::string& text) override;
  void count_letter(std::uint32_t worker, bool asked) override;
  Downlink::Letter letter(std::uint32_t worker) override { return downlink_->letter(worker); }
  bool distrust(std::uint32_t worker) override;
  void absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program) override;

  const RunConfig* config_;
  Channel* channel_;
  RunDirectory* directory_;
  Progress* progress_;

  Membership membership_;
  std::vector<std::optional<WorkerFacts>> facts_;  // of the workers that the run began with
  std::vector<std::optional<Data>> data_;          // of those that have joined
  Roster roster_;
  Injector injector_;
  Journal journal_;
  CheckpointWriter writer_;
  Summary summary_;
  RunProfile profile_;
  bool with_events_ = false;

  // Since d is known.
  std::optional<Iterate> iterate_;
  RawVector last_finite_;
  std::optional<Replica> mechanism_;
  std::optional<Aggregate> aggregate_;
  std::optional<Points> points_;  // in which the workers last took part
  std::optional<Downlink> downlink_;
  std::optional<Evaluation> evaluation_;
  std::optional<Blame> blame_;

  std::vector<std::optional<Update>> absorbed_;  // in this round
  std::vector<Bytes> memories_;                  // what only the workers know, as of their last snapshots
  std::optional<Checkpoint> pending_;            // waits for the workers' part
  const Checkpoint* resumed_ = nullptr;
  std::int64_t last_checkpoint_ = 0;          // tpc_host.now
  std::uint64_t absorbed_round_ = 0;          // of the last updates in the aggregate
  std::optional<std::uint64_t> open_round_;   // begun and not over
  std::optional<std::uint64_t> saved_round_;  // of the last checkpoint
  bool absorbing_ = false;                    // the aggregate is in the open round
  bool stepping_ = false;                     // x is between two rounds
  bool undone_ = false;                       // the workers are in a round that has not been
  bool has_memory_ = false;                   // a worker has more than g_i
  bool renewing_ = false;                     // the workers were asked for their states, for the ledgers
  bool finite_ = true;                        // g, in this round
  bool diverged_ = false;
  bool in_rounds_ = false;
  std::int64_t longest_round_ = 0;
};

}  // namespace threepc
