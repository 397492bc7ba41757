// The server's side of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "record/metrics.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "record/summary.hpp"
#include "runtime/aggregate.hpp"
#include "runtime/measurements.hpp"
#include "runtime/protocol.hpp"
#include "wire/mechanism_tree.hpp"

namespace threepc {

/// Thrown by a Channel's watch when the user asked the run to stop.
struct Interrupted {};

class Server {
 public:
  /// Everything outlives the server. `channel` is open.
  Server(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress);

  /// Takes in the workers, runs all rounds, and dismisses the workers. Throws Failure; the workers have been
  /// told by then.
  Summary run();

 private:
  void rounds();
  void take_in_workers();
  void make_plugins();
  void decide_stepsize();
  double theoretical_stepsize(const TheoryConstants& theory);
  double network_smoothness();
  void send_model(std::uint64_t round, bool evaluate);
  void absorb(std::uint64_t round);
  void absorb_update(std::uint64_t round, std::uint32_t worker);
  void evaluate(std::uint64_t round);
  void finish_measurements(std::uint64_t round);
  void record(std::uint64_t round);
  bool should_stop(std::uint64_t round);
  void explain_nonfinite(std::uint64_t round);
  void step(std::uint64_t round);
  bool wants_evaluation(std::uint64_t round) const;
  void finish(const std::string& stopped_by);

  const RunConfig* config_;
  Channel* channel_;
  RunDirectory* directory_;
  Progress* progress_;

  Membership membership_;
  std::vector<WorkerFacts> facts_;
  RawVector x_;
  RawVector last_finite_;
  RawVector g_;
  std::optional<MechanismTree> mechanism_;
  std::optional<Optimizer> optimizer_;
  std::optional<Aggregate> aggregate_;
  std::optional<Measurements> measurements_;
  std::vector<RawVector> optimizer_state_;
  std::vector<void*> optimizer_state_pointers_;
  std::vector<std::span<const std::uint8_t>> updates_;  // of this round, in the transport's memory
  std::vector<double> gradient_;                        // the true gradient, for the metrics

  Metrics metrics_;
  std::uint64_t values_ = 0, uplink_bytes_ = 0, downlink_bytes_ = 0;
  std::int64_t started_ = 0;
  bool diverged_ = false;
  HashChain chain_;
  Summary summary_;
};

}  // namespace threepc
