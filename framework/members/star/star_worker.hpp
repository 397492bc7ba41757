// A worker of a star: its gradient goes to the server, and the model comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "members/worker.hpp"
#include "method/encoder.hpp"
#include "method/model_roles.hpp"

namespace threepc {

class StarWorker final : public Worker {
 public:
  /// As Worker.
  StarWorker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch = {});

 private:
  std::uint64_t prepare() override;
  void answer(const Question& question, const tpc_message& message) override;
  void go_on(const Question& question, std::uint64_t round) override;
  Bytes state() override;
  void take_state(std::uint64_t round, tpc::Reader& in) override;
  std::string diagnosis(std::uint64_t round) const override;

  const void* point(Form form, const tpc_message& message);
  void make_replica();
  const void* replay(Form form, const tpc_message& message);
  void answer_at(const Question& question, std::uint64_t round, const void* x);
  void answer_model(std::uint64_t round, const void* x, bool evaluate);
  double next_gradient(std::uint64_t round, const void* x, bool evaluate);
  void propose(std::uint64_t round, bool measure);
  const RawVector& claimed(std::uint64_t round);
  void send_evaluation(std::uint64_t round, double value, const RawVector& truth, const Measurement* measured);
  void answer_evaluate(std::uint64_t round, const void* x);
  void restore_from(tpc::Reader& in);

  bool begun_ = false;  // it has taken part in a round, or goes on for one that has
  bool in_process_;
  std::optional<Encoder> encoder_;
  std::optional<ModelReplica> replica_;  // where the server's steps are replayed
  Measurement measurement_;
  std::optional<RawVector> claim_;  // of an attacker
  Bytes message_;                   // the update: a sealed program
  Bytes evaluation_;
};

}  // namespace threepc
