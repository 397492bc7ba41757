// The two roles of the model: the server's, which says what its steps do, and the workers', who replay that.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "config/run_config.hpp"
#include "method/encoder.hpp"
#include "method/iterate.hpp"
#include "method/replica.hpp"
#include "method/stepsize.hpp"
#include "vector/bytes.hpp"

namespace threepc {

/// Moves x, and tells the step in a message. What is in it, [downlink] says:
///
/// steps     the step size, and what has changed of g: replicas make the same step, and have x, bit for bit
/// gradient  the step size, and a mechanism's message about g, the mean over the workers: both make the step with what
///           that message makes of it (EF21-BC: Fatkhullin, Sokolov, Gorbunov, Li, Richtarik 2021, arXiv 2110.03294)
/// model     a mechanism's message about x: replicas have w, which it moves towards x (EF21-P: Gruntkowska, Tyurin,
///           Richtarik 2022, arXiv 2209.15218; with any three point compressor in place of C)
///
/// Not thread-safe.
class ModelEncoder {
 public:
  /// Throws Failure. `iterate` outlives this.
  ModelEncoder(const RunConfig& config, const Membership& membership, Iterate& iterate);

  /// Whether there are replicas. Otherwise workers are sent model() itself, and step() returns nothing.
  bool replays() const { return replays_; }
  /// x^0 is at hand.
  void begin();
  /// x^{round + 1} from x^round and the mean of the g_i, which is the iterate's g before and what x was moved by after.
  Bytes step(std::uint64_t round, double stepsize);
  /// Where workers take their gradients: x or w.
  const RawVector& model() const { return of_ == Of::model ? encoder_->h().sum() : iterate_->x(); }

  std::optional<Compression> compression() const {
    return encoder_ ? std::optional<Compression>({encoder_->constants(), encoder_->name()}) : std::nullopt;
  }
  /// All that a replica needs to go on from here.
  void append_state(Bytes& out) const;
  /// What is not in the iterate, for a checkpoint; load takes it from the front of `in`, throws tpc::Error.
  void save(Bytes& out) const;
  void load(tpc::Reader& in);

 private:
  using Of = DownlinkConfig::Of;

  Bytes propose(std::uint64_t round, double stepsize, const RawVector& point);

  Of of_;
  bool replays_;
  Iterate* iterate_;
  RawVector told_;  // steps: the last g; else: the mechanism's last point
  std::optional<Encoder> encoder_;
  bool begun_ = false;  // the encoder has a point
};

/// Has what the messages of a ModelEncoder make. One thread at a time.
class ModelReplica {
 public:
  /// Throws Failure.
  ModelReplica(const RunConfig& config, const Membership& membership);

  const RawVector& model() const { return h_ && of_ == Of::model ? h_->sum() : iterate_->x(); }

  /// Becomes what an encoder is that begins at x^0.
  void start(const RawVector& x0);
  /// Becomes what the encoder's state says, of the end of the round before `round`.
  void take_state(tpc::Reader& in, std::uint64_t round);
  /// Replays the steps that `in` holds, until its end. False, and of no use any more, if they do not begin where this
  /// is, or do not lead to a model of this hash. Both throw tpc::Error or Failure for malformed bytes.
  bool replay(tpc::Reader& in, std::uint64_t from, std::uint64_t to, std::uint64_t hash);

 private:
  using Of = DownlinkConfig::Of;

  void replay_step(tpc::Reader& in, std::uint64_t round);
  void replay_program(tpc::Reader& in, std::uint64_t round);

  Of of_;
  std::optional<Iterate> iterate_;
  std::optional<Replica> replica_;
  std::optional<TrackedVector> h_;
  std::uint64_t at_ = std::numeric_limits<std::uint64_t>::max();  // the round of the model; none yet
};

/// By which a replica knows that it has the same bits.
std::uint64_t hash_of(const RawVector& model);

}  // namespace threepc
