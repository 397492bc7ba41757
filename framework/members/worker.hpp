// One worker's side of a run, as far as it is the same whatever way the data takes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "members/injector.hpp"
#include "members/star/joint_evaluation.hpp"
#include "method/estimator.hpp"
#include "plugin/instances.hpp"
#include "record/profile.hpp"

namespace threepc {

/// Answers the server's messages one at a time, so that one thread can drive many workers. Not thread-safe;
/// different workers run in parallel.
class Worker {
 public:
  /// `config` outlives the worker. `watch` is the Channel's.
  Worker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch = {});
  virtual ~Worker() = default;

  /// Joins the server at `address` and says hello. Throws Failure.
  void join(const std::string& address);
  /// Waits for one message and answers it. False: the run is over. A Failure is told to the server first.
  bool serve_one();
  /// Tells the server that this worker leaves for good.
  void leave();
  /// After a failure: waits until the server has left too, and so has heard of it. False if it does not within the
  /// run's time-out.
  bool await_end_of_server() noexcept { return channel_.close(config_->timeout); }

 protected:
  static constexpr std::uint32_t server = 0;  // its member number

  // What is each worker's own.
  /// The problem is made, and with it d is known. Returns the bytes of the server's longest message from now on.
  virtual std::uint64_t prepare() = 0;
  /// At x^t, or on the way there.
  virtual void answer(const Question& question, const tpc_message& message) = 0;
  /// The evaluation that begin_jointly() began is over, and the estimator knows its gradient.
  virtual void go_on(const Question& question, std::uint64_t round) = 0;
  /// All that it needs to go on from here, and back: becomes what `in` says, of the end of `round`, or, where that is
  /// empty, what it was at the start. take_state throws tpc::Error for what does not fit.
  virtual Bytes state() = 0;
  virtual void take_state(std::uint64_t round, tpc::Reader& in) = 0;
  /// The plugin at fault where what it sent is not finite; "" if none.
  virtual std::string diagnosis(std::uint64_t round) const = 0;

  /// Of a problem that has an exchange: what `question` asks for at x is done once its gradient there is known.
  void begin_jointly(const Question& question, std::uint64_t round, double stepsize, const void* x);
  /// Anew, as of a worker that has played no round.
  void make_estimator();
  /// Bytes of the parcels of one exchange; 0: the problem has none.
  std::uint64_t longest_parcels() const;
  /// What `message` holds, where vectors of the run can lie.
  const void* aligned(const tpc_message& message);
  /// Sends `message`, a sealed update, as often and as whole as [faults] inject has it.
  void send_update(std::uint64_t round, Bytes& message);

  const RunConfig* config_;
  Membership membership_;
  Transport transport_;
  Channel channel_;
  double stepsize_;
  std::optional<Problem> problem_;
  std::optional<Estimator> estimator_;
  std::optional<JointEvaluation> joint_;  // of a problem that has an exchange
  RawVector x_;                           // a copy of the model, only where the transport's is not aligned
  Injector injector_;
  Profile profile_;

 private:
  tpc_message next_message();
  void handle(const tpc_message& message);
  void agree(std::span<const std::uint8_t> server_lines);
  void make_problem();
  void send_facts();
  void deliver(const tpc_message& message);
  void answer_curvature(const tpc_message& message);
  void answer_snapshot(std::uint64_t round);
  void restore(const tpc_message& message);
  void answer_profile(const tpc_message& message);
  void require_problem(const char* what) const;

  Question question_ = {};  // what the joint evaluation is for
  bool done_ = false;
  std::uint64_t round_ = 0;
};

/// As [topology] says: one of a star, or a peer.
std::unique_ptr<Worker> make_worker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch = {});

}  // namespace threepc
