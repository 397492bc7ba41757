// The server's side of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/run_config.hpp"
#include "method/aggregate.hpp"
#include "method/iterate.hpp"
#include "method/points.hpp"
#include "method/replica.hpp"
#include "method/worker_state.hpp"
#include "record/checkpoint.hpp"
#include "record/metrics.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "record/summary.hpp"
#include "runtime/downlink.hpp"
#include "runtime/injector.hpp"
#include "runtime/measurements.hpp"
#include "runtime/protocol.hpp"
#include "runtime/roster.hpp"
#include "runtime/signals.hpp"

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

  /// Whether there is a round whose end an interruption can wait for.
  bool in_rounds() const { return in_rounds_; }
  /// Of all rounds so far; nanoseconds.
  std::int64_t longest_round() const { return longest_round_; }
  /// Whether a worker that was lost may join again now.
  bool takes_in() const { return in_rounds_ && roster_.survives(); }

 private:
  /// What has been counted and reported.
  struct Tally {
    Metrics last;  // of the last reported round
    std::uint64_t values = 0, uplink_bytes = 0, downlink_bytes = 0, evaluation_bytes = 0;
    HashChain chain;
  };
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
  bool has_diverged();
  void take_in_workers();
  std::uint32_t fewest() const;
  bool may_begin() const;
  void greet();
  void hand_over(std::uint32_t worker, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);
  void take_in(std::uint32_t worker);
  void require_same_data(std::uint32_t worker, const WorkerFacts& facts) const;
  void make_plugins();
  std::optional<Ledger::Shrinks> ledgers() const;
  void decide_stepsize();
  double network_smoothness();

  void rounds();
  bool is_over_already();
  std::uint64_t next_round() const { return resumed_ != nullptr ? absorbed_round_ + 1 : 0; }
  void begin_round(std::uint64_t round);
  bool finish_round(std::uint64_t round);
  bool is_due(std::uint64_t round) const;
  bool is_evaluated() const { return reported_ && config_->evaluate != Evaluate::off; }
  std::size_t evaluation_size(std::uint64_t round) const;
  std::size_t measured_size() const;
  bool has_openings() const;
  std::span<const std::uint8_t> gradient_of(std::uint32_t worker) const;
  std::vector<bool> sample(std::uint64_t round) const;
  void absorb(std::uint64_t round);
  void absorb_from(std::uint64_t round, std::uint32_t worker, bool again);
  void replace_update(std::uint64_t round, std::uint32_t worker, const Failure& failure);
  void count_round();
  void count(const Update& update);
  void record(std::uint64_t round);
  void step(std::uint64_t round);
  void finish(const std::string& stopped_by);

  bool is_reported(std::uint32_t worker) const { return aggregate_->is_member(worker) && !roster_.is_leaving(worker); }
  void gather_evaluations();
  void gather_evaluation(std::uint32_t worker);
  void evaluate(std::uint64_t round);
  void sum_evaluations();
  void add_evaluation(std::uint32_t worker, std::span<const std::uint8_t> message);
  void bound_gradient();
  void finish_measurements(std::uint64_t round);
  bool expel_the_infinite(std::uint64_t round);
  bool is_everybody(std::size_t accused, std::uint64_t round) const;
  using Accused = std::vector<std::pair<std::uint32_t, std::string>>;
  bool is_moderate() const;
  void remove_guilty(std::uint64_t round);
  Accused accused(std::uint64_t round);
  void keep_evaluations();
  Accused accused_by_themselves(std::uint64_t round);
  Accused accused_by_their_updates(std::uint64_t round) const;
  std::string optimizer_fault(std::uint64_t round);

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
  void accept(std::uint32_t worker, const WorkerFacts& facts) override;
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
  std::vector<bool> here_;          // who is there when the run begins
  std::vector<WorkerFacts> facts_;  // theirs, in their order
  std::optional<Iterate> iterate_;
  RawVector last_finite_;
  std::optional<Replica> mechanism_;
  std::optional<Aggregate> aggregate_;
  std::optional<Measurements> measurements_;
  std::optional<Downlink> downlink_;
  Roster roster_;
  Injector injector_;
  std::uint64_t absorbed_round_ = 0;             // of the last updates in the aggregate
  std::vector<std::optional<Update>> absorbed_;  // in this round
  std::optional<Points> points_;                 // in which the workers last took part
  std::vector<Bytes> memories_;                  // what only the workers know, as of their last snapshots
  std::vector<std::optional<Data>> data_;        // of those that have joined
  std::vector<std::optional<std::span<const std::uint8_t>>> evaluations_;  // in this round
  std::vector<Bytes> openings_;          // the updates of round 0, until its evaluation, where they are gradients
  std::vector<Bytes> kept_evaluations_;  // those that had to outlive the transport's memory
  CheckpointWriter writer_;
  std::optional<Checkpoint> pending_;  // waits for the workers' part
  std::int64_t last_checkpoint_ = 0;   // tpc_host.now
  const Checkpoint* resumed_ = nullptr;
  std::vector<double> gradient_;  // the true gradient, for the metrics
  double gaps_ = 0;               // sum_i ||g_i - grad f_i||^2 in this round, where that is all that is known of it

  Tally tally_;
  Tally whole_;                               // as it was when the open round began
  std::optional<Tally> regular_;              // without the last line, if that came before its time
  std::optional<std::uint64_t> open_round_;   // begun and not over
  std::optional<std::uint64_t> saved_round_;  // of the last checkpoint
  bool absorbing_ = false;                    // the aggregate is in the open round
  bool stepping_ = false;                     // x is between two rounds
  bool undone_ = false;                       // the workers are in a round that has not been
  bool has_memory_ = false;                   // a worker has more than g_i
  bool renewing_ = false;                     // the workers were asked for their states, for the ledgers
  std::int64_t started_ = 0;
  std::uint64_t wire_bytes_before_ = 0;  // of the run that this one goes on from
  bool complete_ = true;                 // every worker has sent its evaluation in this round
  bool finite_ = true;                   // g, in this round
  bool diverged_ = false;
  bool in_rounds_ = false;
  bool due_ = false;       // the open round has its line anyway
  bool reported_ = false;  // or because it is the last
  std::int64_t longest_round_ = 0;
  Summary summary_;
};

}  // namespace threepc
