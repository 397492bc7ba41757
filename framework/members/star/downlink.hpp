// How the model goes down to the workers, and what that costs.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "method/model_roles.hpp"
#include "method/step_log.hpp"
#include "method/stepsize.hpp"

namespace threepc {

/// The server has the encoder of the model, each worker a replica: steps are what crosses the network. A worker that is
/// new, or has missed more steps than the model has bytes, gets the model itself, and in the round after that the
/// replica's whole state, if steps are short.
///
/// What is counted is what the method sends, the same on every transport and after every restart: in one process,
/// workers read the server's model, and one that was lost and comes back is given all that it needs, which is not
/// counted.
class Downlink {
 public:
  /// One message, valid until the next round begins.
  struct Letter {
    Form form;
    std::span<const std::uint8_t> bytes;
  };

  /// Bytes of a letter: of the method, or of a model by which nobody makes a step, which is for an evaluation alone.
  struct Cost {
    std::uint64_t method, evaluation;
  };

  /// `iterate` is the server's and outlives this. Throws Failure.
  Downlink(const RunConfig& config, const Membership& membership, Iterate& iterate);

  /// Of its mechanism, if it has one.
  std::optional<Compression> compression() const { return encoder_.compression(); }
  /// x^0 is at hand.
  void begin() { encoder_.begin(); }
  /// The worker computes the same x^0.
  void knows_start(std::uint32_t worker) { accounts_[worker].iterate = copies_[worker].iterate = 0; }
  /// Where the workers take their gradients.
  const RawVector& model() const { return encoder_.model(); }
  /// x^round is.
  void begin_round(std::uint64_t round);
  /// The worker is told the model of the round; returns what counts. `asked`: it takes part in the round.
  Cost count(std::uint32_t worker, bool asked);
  /// What is sent to a worker that was counted in this round, and sent again if it came back.
  Letter letter(std::uint32_t worker);  // x, or bytes made once for all who need the same
  /// Makes the step of the round, with the iterate's g.
  void step(double stepsize);
  /// The round has not been.
  void undo_round() { accounts_ = before_; }

  /// What a worker that comes back is given with its own state, so that it can go on replaying.
  void append_restoration(std::uint32_t worker, Bytes& out);
  /// One that begins anew has nothing.
  void begin_anew(std::uint32_t worker) { copies_[worker] = {}; }
  /// The worker has left for good.
  void forget(std::uint32_t worker);
  /// The worker's steps do not lead to the server's model: it gets the model from now on. False: it was not sent steps.
  bool distrust(std::uint32_t worker);

  /// For a checkpoint; load takes it from the front of `in`, throws tpc::Error.
  void save(Bytes& out) const;
  void load(tpc::Reader& in);
  /// In place of load(), where a checkpoint has nothing: everybody is told as one that is new.
  void go_on(std::uint64_t round) { log_.begin(round); }

 private:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  /// What a worker has been told, had none been lost.
  struct Account {
    std::uint64_t iterate = never;  // the round up to which it can have replayed
    std::uint64_t model = never;    // the round in which it was last told x alone
  };
  /// What a worker has.
  struct Copy {
    Form form = Form::model;        // in which it is told x^round
    bool told = false;              // in this round
    std::uint64_t iterate = never;  // the round of its x when the round began
    bool distrusted = false;
  };

  std::uint64_t decide(std::uint32_t worker);
  std::uint64_t steps_size(std::uint64_t from) const;
  const Bytes& steps(std::uint64_t from);
  const Bytes& state();
  std::uint64_t model_size() const { return model().size_bytes(); }

  bool in_process_;  // workers read the server's model
  ModelEncoder encoder_;
  StepLog log_;
  std::uint64_t round_ = 0;
  std::vector<Account> accounts_, before_;
  std::vector<Copy> copies_;
  std::map<std::uint64_t, Bytes> steps_;  // of this round, by the round from which they lead
  Bytes state_;                           // of this round; empty: not made
};

/// What a worker does with a letter that is no model: of steps, the round from which they lead (u64), the hash of the
/// model to which they lead (u64), and they; of a state, that. Returns false if the replica is not where they begin, or
/// does not become what the server has. Throws tpc::Error or Failure for malformed bytes.
bool read_letter(Form form, std::span<const std::uint8_t> bytes, std::uint64_t round, ModelReplica& replica);

}  // namespace threepc
