// What server and workers say to each other, above the transport. docs/wire-format.md has every layout.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
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
  astray = 25  // worker -> server: those steps do not lead to that x; it waits for x itself
};

/// How x^t comes to a worker; see Downlink.
enum class Form { model, steps, state };

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
  std::vector<Block> blocks = {};
  std::uint64_t data_digest = 0;  // of what it has read; 0: nothing
  bool own_data = false;          // which may differ from what others have read
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

/// The lines of agreement(), as a configuration message carries them.
std::string agreement_text(const RunConfig& config);

/// Whether a worker's evaluation of the round has no gradient, because its update is that, whole. In one process it is
/// only counted so.
bool update_is_gradient(const RunConfig& config, std::uint64_t round);

/// The random stream of a transport; see Instance::context.
inline constexpr std::uint32_t transport_stream = 3;

std::string seconds_text(double seconds);  // "60 s"

std::string member_name(std::uint32_t member);  // "the server", "worker 3"

/// What came of listening to a member.
struct Heard {
  enum class What { message, silence, gone };
  What what = What::silence;
  tpc_message message = {};
  std::string why = {};    // it is gone
  Exit code = Exit::peer;  // whom it blames: another code than this if it blames its configuration, data or plugins
};

/// The transport with the run's time-out and with failures that name round and peer.
class Channel {
 public:
  static constexpr double goodbye_seconds = 2;

  /// `watch` is called about ten times a second in whatever waits; it throws to end the wait.
  Channel(Transport& transport, double timeout, std::function<void()> watch = {})
      : transport_(&transport), timeout_(timeout), watch_(std::move(watch)) {}

  void open(const std::string& address) { transport_->open(address, deadline()); }
  /// Server: until all workers are there, or `enough()`. Worker: until the server has taken it in, without watching.
  /// Throws Failure(Exit::peer), which names the missing.
  void join(const std::function<bool()>& enough = {});
  /// From now on `from` may send no longer message: one that announces more ends its connection.
  void limit(std::uint32_t from, std::uint64_t bytes) { transport_->limit(from, bytes); }
  void send(std::uint32_t to, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);
  void broadcast(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);
  /// The next message of `from`; a failure message is thrown as the Failure it carries. `waiting_for` says
  /// what is waited for: "its update".
  tpc_message receive(std::uint32_t from, std::uint64_t round, const char* waiting_for);
  /// receive, and Failure(Exit::peer) unless it is of this type and round.
  tpc_message expect(std::uint32_t from, MessageType type, std::uint64_t round, const char* waiting_for);
  /// The next message of `from` until a time of tpc_host.now, which may have passed. A failure message is how it went.
  Heard hear(std::uint32_t from, std::int64_t until);
  /// Tells one member that it cannot take part, as far as it can still be reached; it ends with the failure's code.
  void refuse(std::uint32_t member, const Failure& failure) noexcept;
  /// Tells everybody that the run failed, as far as they can still be reached.
  void broadcast_failure(const Failure& failure) noexcept;
  /// False if the others have not left within so many seconds; it may be called again then.
  bool close(double seconds = goodbye_seconds) noexcept;
  /// When this last looked at the clock, tpc_host.now: while it waits, every `slice`.
  std::int64_t looked() const { return looked_; }
  static constexpr std::int64_t slice = 100'000'000;  // ns between two looks at signals and child processes
  Transport& transport() { return *transport_; }
  double timeout() const { return timeout_; }
  /// "nothing came within 60 s ([transport] timeout); ..."
  std::string nothing_came() const;
  /// From now on, while this member waits, the workers hear often enough that it is there; see MessageType::patience.
  void begin_heartbeat() { next_heartbeat_ = 0; }

 private:
  std::int64_t deadline() const;
  /// Calls attempt(deadline) with short deadlines until it does not time out, watching in between.
  template <class Attempt>
  auto watched(std::int64_t last, Attempt attempt);

  Transport* transport_;
  double timeout_;
  std::function<void()> watch_;
  void beat();

  std::int64_t looked_ = 0;
  std::int64_t next_watch_ = 0;
  std::int64_t next_heartbeat_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace threepc
