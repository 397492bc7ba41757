// What a run has counted and reported, and what follows from it: which rounds get a line, and when the run is over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "config/run_config.hpp"
#include "record/checkpoint.hpp"
#include "record/metrics.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "record/summary.hpp"

namespace threepc {

/// Counters, the last line, the chain of hashes, and the gradient that the run began with: saved, restored and undone
/// as one. One thread.
class Journal {
 public:
  /// All outlive it.
  Journal(const RunConfig& config, RunDirectory& directory, Progress& progress);

  /// Rounds begin now; `time` and load() are of tpc_host.now.
  void start(std::int64_t time);

  /// Since rounds began, as if without interruption.
  double seconds_now() const;

  /// Opens a round; `evaluation_bytes` is what its evaluation costs, of all workers, if there is one.
  void begin_round(std::uint64_t round, std::uint64_t evaluation_bytes);
  /// Whether the open round has its line by [run] evaluate_every, and whether it has one at all: the last has.
  bool due() const { return due_; }
  bool reported() const { return reported_; }
  /// What the open round has counted is not counted, and its line is as if it had not been.
  void undo_round();

  void count_update(std::uint64_t values, std::uint64_t bytes) {
    tally_.values += values, tally_.uplink_bytes += bytes;
  }
  void count_letter(std::uint64_t bytes) { tally_.downlink_bytes += bytes; }
  void count_evaluation(std::uint64_t bytes) { tally_.evaluation_bytes += bytes; }

  /// The line of the open round, which the caller fills but for counters and times; the last one before that.
  Metrics& line() { return tally_.last; }
  const Metrics& line() const { return tally_.last; }
  /// Ends the line: `x` has the bytes of what the round began with, `wire_bytes` is what the transport has moved since
  /// this process began.
  void record(std::span<const std::uint8_t> x, std::uint64_t wire_bytes);
  /// Why the run has diverged at its last line, of which all is known: NaN, infinity, or a gradient immense against the
  /// first (a run at 1e93 has not ended well, it has not ended yet). nullopt: it has not; "": it is plain to see.
  std::optional<std::string> divergence();
  /// As summary.json names it; nullptr: it goes on.
  const char* reason_to_stop() const;

  /// What the summary has of it.
  void conclude(Summary& summary) const;
  /// For a run that goes on with more rounds; `wire_bytes` as for record().
  void save(Checkpoint& out, std::int64_t time, std::uint64_t wire_bytes) const;
  void load(const Checkpoint& from);
  /// As the run that `from` is of has ended: with its last line, whether or not that came before its time.
  void load_end(const Checkpoint& from);

 private:
  struct Tally {
    Metrics last;  // of the last reported round
    std::uint64_t values = 0, uplink_bytes = 0, downlink_bytes = 0, evaluation_bytes = 0;
    HashChain chain;
  };

  bool is_due(std::uint64_t round, std::uint64_t evaluation_bytes) const;
  void add_counters(Metrics& line) const;

  const RunConfig* config_;
  RunDirectory* directory_;
  Progress* progress_;
  Tally tally_;
  Tally whole_;                          // as it was when the open round began
  std::optional<Tally> regular_;         // without the last line, if that came before its time
  double start_grad_norm_sq_;            // the first that is not 0
  std::uint64_t wire_bytes_before_ = 0;  // of the run that this one goes on from
  std::int64_t started_ = 0;             // as if without interruption
  bool due_ = false, reported_ = false;
};

}  // namespace threepc
