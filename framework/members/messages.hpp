// What server and workers say to each other, above the transport. docs/wire-format.md has every layout.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <threepc/sdk/transport.hpp>
#include <vector>

#include "config/run_config.hpp"
#include "plugin/instances.hpp"
#include "vector/bytes.hpp"

namespace threepc {

enum class MessageType : std::uint32_t {
  configuration = 1,   // server -> worker: the lines of agreement()
  facts = 2,           // worker -> server: WorkerFacts, and x^0 from worker 0
  curvature = 3,       // server -> worker: v, doubles; worker -> server: H_i v
  begin = 4,           // server -> worker: the step size
  model = 5,           // server -> worker: x^t, in the run's dtype
  model_evaluate = 6,  // the same, and an evaluation is wanted
  update = 7,          // worker -> server: the program of round t
  evaluation = 8,      // worker -> server: f_i as a double, then the gradient
  diagnose = 9,        // server -> worker: g is not finite; whose fault is it?
  diagnosis = 10,      // worker -> server: the plugin at fault, "" if none
  stop = 11,           // server -> worker: the run is over
  failure = 12,        // either way: exit code (u32) and text; the sender leaves
  hello = 13,          // worker -> server: the first message after joining
  snapshot = 14,       // server -> worker: for a checkpoint; worker -> server: its WorkerState
  restore = 15,        // server -> worker: a WorkerState to go on from, and its y; worker -> server: done
  evaluate = 16,       // server -> worker: x^t, in the run's dtype; only an evaluation is wanted
  patience = 17,       // server -> worker: nothing to do yet, but the server is there
  leave = 18,          // worker -> server: it leaves for good
  // server -> worker, x^t in other forms: what model, model_evaluate and evaluate say
  steps = 19,  // how the worker's own x becomes x^t
  steps_evaluate = 20,
  evaluate_steps = 21,
  state = 22,  // x^t, with all that later steps need
  state_evaluate = 23,
  evaluate_state = 24,
  astray = 25,   // worker -> server: those steps do not lead to that x; it waits for x itself
  profile = 26,  // server -> worker: measure (u8, 1: with events), or, empty, tell; worker -> server: a Profile
  // What a problem's workers say to each other before a gradient is known: worker -> server: Parcels for its peers;
  // server -> worker: those of its peers
  exchange = 27,
  // server -> worker on a graph: what its in-neighbours published in the round before; it publishes in its turn
  mail = 28,
  mail_evaluate = 29,
  evaluate_mail = 30  // of the same round once more: its x, and nothing of the method moves
};

/// How x^t comes to a worker; see Downlink. On a graph it makes its own, from mail.
enum class Form { model, steps, state, mail };

/// What a worker is asked at x^t.
struct Question {
  Form form;
  bool update, evaluation;  // one of them, or both
};
MessageType type_of(const Question& question);
/// nullopt: a message of this type asks something else.
std::optional<Question> question_of(std::uint32_t type);

inline std::span<const std::uint8_t> payload_of(const tpc_message& message) { return {message.data, message.size}; }

Bytes to_failure_message(const Failure& failure);
/// The Failure that a failure message carries; `who` is put before its text.
Failure from_failure_message(std::span<const std::uint8_t> bytes, const std::string& who);

/// What a worker tells of its problem, and whether it can serve curvature requests.
struct WorkerFacts {
  std::uint32_t dim = 0;
  bool has_curvature = false;
  double L_i = std::numeric_limits<double>::quiet_NaN();
  double L_minus = std::numeric_limits<double>::quiet_NaN();
  double hessian_spread = std::numeric_limits<double>::quiet_NaN();
  std::vector<tpc::Block> blocks = {};
  std::uint64_t data_digest = 0;      // of what it has read; 0: nothing
  bool own_data = false;              // which may differ from what others have read
  std::uint64_t start_digest = 0;     // of x^0 as this worker computes it; 0: it does not say
  std::uint64_t longest_parcels = 0;  // tpc_exchange.peers; 0: it exchanges nothing
};

Bytes to_bytes(const WorkerFacts& facts);
/// Takes the facts from the front of `bytes`. Throws Failure(Exit::peer) for malformed bytes.
WorkerFacts take_worker_facts(std::span<const std::uint8_t>& bytes);

/// An update is a program and its checksum (u64), over whatever transport: seals `program`.
void seal(Bytes& program, std::uint64_t round);
/// The program of a sealed update; nullopt if it was damaged on its way.
std::optional<std::span<const std::uint8_t>> unseal(std::span<const std::uint8_t> update, std::uint64_t round);
/// The same without looking, where unseal has found it whole.
inline std::span<const std::uint8_t> program_of(std::span<const std::uint8_t> update) {
  return update.first(update.size() - sizeof(std::uint64_t));
}

/// The lines of agreement() and the versions of the plugins that code messages, as a configuration message carries
/// them.
std::string agreement_text(const RunConfig& config);

/// Whether a worker's evaluation of the round has no gradient, because its update is that, whole. In one process it is
/// only counted so.
bool update_is_gradient(const RunConfig& config, std::uint64_t round);

std::string seconds_text(double seconds);  // "60 s"

std::string member_name(std::uint32_t member);  // "the server", "worker 3"
inline std::string worker_name(std::uint32_t worker) { return member_name(tpc::member_of_worker(worker)); }

}  // namespace threepc
