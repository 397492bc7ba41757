// One worker's side of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "members/injector.hpp"
#include "method/encoder.hpp"
#include "method/estimator.hpp"
#include "method/model_roles.hpp"
#include "plugin/instances.hpp"
#include "record/profile.hpp"

namespace threepc {

/// Answers the server's messages one at a time, so that one thread can drive many workers. Not thread-safe;
/// different workers run in parallel.
class Worker {
 public:
  /// `config` outlives the worker. `watch` is the Channel's.
  Worker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch = {});

  /// Joins the server at `address` and says hello. Throws Failure.
  void join(const std::string& address);
  /// Waits for one message and answers it. False: the run is over. A Failure is told to the server first.
  bool serve_one();
  /// Tells the server that this worker leaves for good.
  void leave();
  /// After a failure: waits until the server has left too, and so has heard of it. False if it does not within the
  /// run's time-out.
  bool await_end_of_server() noexcept { return channel_.close(config_->timeout); }

 private:
  tpc_message next_message();
  void handle(const tpc_message& message);
  void agree(std::span<const std::uint8_t> server_lines);
  void make_problem();
  void send_facts();
  void answer_curvature(const tpc_message& message);
  void answer(const Question& question, const tpc_message& message);
  const void* point(Form form, const tpc_message& message);
  void make_replica();
  const void* replay(Form form, const tpc_message& message);
  void answer_model(std::uint64_t round, const void* x, bool evaluate);
  double next_gradient(std::uint64_t round, const void* x, bool evaluate);
  void propose(std::uint64_t round, bool measure);
  void send_evaluation(std::uint64_t round, double value, const RawVector& truth, const Measurement* measured);
  void send_update(std::uint64_t round);
  void answer_evaluate(std::uint64_t round, const void* x);
  void answer_snapshot(std::uint64_t round);
  void restore(const tpc_message& message);
  void restore_from(tpc::Reader& in);
  void answer_diagnose(std::uint64_t round);
  void answer_profile(const tpc_message& message);
  std::string diagnosis(std::uint64_t round) const;
  void require_problem(const char* what) const;
  const void* aligned(const tpc_message& message);

  const RunConfig* config_;
  Membership membership_;
  Transport transport_;
  Channel channel_;
  bool done_ = false;
  bool begun_ = false;  // it has taken part in a round, or goes on for one that has
  std::uint64_t round_ = 0;
  bool in_process_;
  double stepsize_;

  std::optional<Problem> problem_;
  std::optional<Encoder> encoder_;
  std::optional<Estimator> estimator_;
  std::optional<ModelReplica> replica_;  // where the server's steps are replayed
  RawVector x_;                          // a copy of the model, only where the transport's is not aligned
  Measurement measurement_;
  Injector injector_;
  Profile profile_;
  Bytes message_;  // the update: a sealed program
  Bytes evaluation_;
};

}  // namespace threepc
