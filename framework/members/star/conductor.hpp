// Whoever leads a run: admits the workers, keeps the journal and the checkpoints, decides when it is over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "members/injector.hpp"
#include "members/star/roster.hpp"
#include "record/checkpoint.hpp"
#include "record/journal.hpp"
#include "record/profile.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "record/summary.hpp"
#include "signals.hpp"

namespace threepc {

/// Control is a star, whatever way the data takes: a Server aggregates what the workers send, a Coordinator only
/// watches peers and passes on what they say to each other. One thread.
class Conductor : protected Roster::Home {
 public:
  /// Everything outlives the conductor. `channel` is open.
  Conductor(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress);

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

 protected:
  /// What a worker has read; see WorkerFacts.
  struct Data {
    std::uint64_t digest;
    bool may_differ;
  };

  // What is each conductor's own.
  /// d is known, and x^0.
  virtual void begin_at(std::span<const std::uint8_t> x0) = 0;
  /// All that need d, and the bounds of what workers may send.
  virtual void make_parts() = 0;
  /// Of a run that begins: into the summary.
  virtual void decide_stepsize() = 0;
  /// One round. False: the run is over.
  virtual bool play(std::uint64_t round) = 0;
  /// Of a checkpoint: the server's own state, and back. load throws tpc::Error for what does not fit.
  virtual void save_own(Checkpoint& out) = 0;
  virtual void load_own(const Checkpoint& from) = 0;
  /// Gives the workers of a resumed run their states.
  virtual void restore_workers() = 0;
  /// So that the run can go on from its last whole round, however it ended. `asking`: the workers can be asked.
  virtual void leave_state(bool asking) = 0;
  /// Bytes of the longest message of a worker, a profile apart.
  virtual std::uint64_t longest_from_worker() const = 0;

  /// What follows a whole round: it ended for this reason (nullptr: it goes on), or Ctrl+C did it. True: it goes on.
  bool goes_on(const char* reason);
  /// As the workers say; see tpc_exchange.peers. 0: they exchange nothing.
  std::uint64_t longest_parcels() const;
  bool wants_checkpoint(std::uint64_t round);
  /// Everything but what the workers are.
  Checkpoint server_part(std::uint64_t round);
  void write(Checkpoint checkpoint);
  void finish(const std::string& stopped_by);
  std::uint64_t wire_bytes() const;
  std::uint64_t next_round() const { return resumed_ != nullptr ? absorbed_round_ + 1 : 0; }
  Profile::Scope in(Phase phase) { return {profile_.server, phase, open_round_.value_or(0)}; }

  std::uint64_t restoration_round() const override { return absorbed_round_; }
  double stepsize() const override { return summary_.stepsize; }
  void accept(std::uint32_t worker, const WorkerFacts& facts, std::span<const std::uint8_t> x0) override;
  void warn(const std::string& text) override;

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
  RawVector last_finite_;                     // the model that the run ends with
  const Checkpoint* resumed_ = nullptr;       // what it goes on from
  std::optional<std::uint64_t> open_round_;   // begun and not over
  std::uint64_t absorbed_round_ = 0;          // of the last updates that were taken in
  std::optional<std::uint64_t> saved_round_;  // of the last checkpoint
  bool in_rounds_ = false;

 private:
  void rounds();
  void prepare();
  bool was_member(std::uint32_t worker) const;
  bool is_over_already();
  void restore();
  void begin_from(const WorkerFacts& facts, std::span<const std::uint8_t> x0);
  void require_same_data(std::uint32_t worker, const WorkerFacts& facts) const;
  void begin_profile();
  void gather_profiles();

  bool with_events_ = false;
  bool dimension_known_ = false;
  std::int64_t last_checkpoint_ = 0;  // tpc_host.now
  std::int64_t longest_round_ = 0;
};

}  // namespace threepc
