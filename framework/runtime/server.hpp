// The server's side of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "record/checkpoint.hpp"
#include "record/metrics.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "record/summary.hpp"
#include "runtime/aggregate.hpp"
#include "runtime/injector.hpp"
#include "runtime/measurements.hpp"
#include "runtime/protocol.hpp"
#include "runtime/roster.hpp"
#include "runtime/signals.hpp"
#include "runtime/worker_state.hpp"
#include "wire/mechanism_tree.hpp"

namespace threepc {

class Server : private Roster::Home {
 public:
  /// Everything outlives the server. `channel` is open.
  Server(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress);

  /// Before run(): goes on from there in place of starting.
  void resume(const Checkpoint& checkpoint) { resumed_ = &checkpoint; }

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
  void prepare();
  void rounds();
  bool finish_round(std::uint64_t round);
  void take_in_workers();
  void greet();
  void hand_over(std::uint32_t worker, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);
  void take_in(std::uint32_t worker);
  void make_plugins();
  void decide_stepsize();
  double theoretical_stepsize(const TheoryConstants& theory);
  double network_smoothness();
  void send_model(std::uint64_t round, bool evaluate);
  std::vector<bool> sample(std::uint64_t round) const;
  void absorb(std::uint64_t round);
  void count(const Aggregate::Absorbed& absorbed, std::size_t bytes);
  void evaluate(std::uint64_t round);
  bool add_evaluation(std::uint32_t worker, std::span<const std::uint8_t> message);
  void finish_measurements(std::uint64_t round);
  void record(std::uint64_t round);
  bool should_stop(std::uint64_t round);
  void explain_nonfinite(std::uint64_t round);
  void step(std::uint64_t round);
  bool wants_evaluation(std::uint64_t round) const;
  void finish(const std::string& stopped_by);

  bool wants_checkpoint(std::uint64_t round);
  void begin_checkpoint(std::uint64_t round);
  void write_checkpoint();
  void restore();
  void restore_workers();
  WorkerState state_of(std::uint32_t worker) const;
  TrackedVector remember(std::uint32_t worker, const Bytes& state);
  std::vector<RawVector*> held_vectors();

  Bytes restoration(std::uint32_t worker) const override;
  std::uint64_t restoration_round() const override { return absorbed_round_; }
  double stepsize() const override { return summary_.stepsize; }
  void check_facts(std::uint32_t worker, const WorkerFacts& facts) const override;
  void dismiss(std::uint32_t worker) override { aggregate_->remove(worker); }
  void warn(const std::string& text) override;
  void absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program) override;

  const RunConfig* config_;
  Channel* channel_;
  RunDirectory* directory_;
  Progress* progress_;

  Membership membership_;
  std::vector<bool> here_;          // who is there when the run begins
  std::vector<WorkerFacts> facts_;  // theirs, in their order
  RawVector x_;
  RawVector last_finite_;
  RawVector g_;
  std::optional<MechanismTree> mechanism_;
  std::optional<Optimizer> optimizer_;
  std::optional<Aggregate> aggregate_;
  std::optional<Measurements> measurements_;
  std::vector<RawVector> optimizer_state_;
  std::vector<void*> optimizer_state_pointers_;
  Roster roster_;
  Injector injector_;
  std::uint64_t absorbed_round_ = 0;     // of the last updates in the aggregate
  std::optional<RawVector> absorbed_x_;  // and its x; none before round 0
  std::vector<Bytes> memories_;          // what only the workers know, as of their last snapshots
  CheckpointWriter writer_;
  std::optional<Checkpoint> pending_;  // waits for the workers' part
  std::int64_t last_checkpoint_ = 0;   // tpc_host.now
  const Checkpoint* resumed_ = nullptr;
  std::vector<double> gradient_;  // the true gradient, for the metrics

  Metrics metrics_;
  std::uint64_t values_ = 0, uplink_bytes_ = 0, downlink_bytes_ = 0;
  std::int64_t started_ = 0;
  std::uint64_t wire_bytes_before_ = 0;  // of the run that this one goes on from
  bool complete_ = true;                 // every worker has sent its evaluation in this round
  bool diverged_ = false;
  bool in_rounds_ = false;
  std::int64_t longest_round_ = 0;
  HashChain chain_;
  Summary summary_;
};

}  // namespace threepc
