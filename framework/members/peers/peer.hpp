// A worker of a graph: it mixes what its in-neighbours published, and publishes in its turn.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "members/peers/node.hpp"
#include "members/worker.hpp"

namespace threepc {

/// What its in-neighbours say comes by way of the server, which passes it on. One message of the server's is a round:
/// so a worker waits for nobody else, and one thread can drive many.
class Peer final : public Worker {
 public:
  /// As Worker.
  Peer(const RunConfig& config, std::uint32_t rank, std::function<void()> watch = {});

 private:
  std::uint64_t prepare() override;
  void answer(const Question& question, const tpc_message& message) override;
  void go_on(const Question& question, std::uint64_t round) override;
  Bytes state() override;
  void take_state(std::uint64_t round, tpc::Reader& in) override;
  std::string diagnosis(std::uint64_t round) const override;

  void start();
  void play(const Question& question, std::uint64_t round, std::span<const std::uint8_t> mail);
  const RawVector* mix(std::uint64_t round, std::span<const std::uint8_t> mail);
  void finish(const Question& question, std::uint64_t round, const RawVector* at);
  void adapt(std::uint64_t round, const RawVector& at);
  void publish(std::uint64_t round);
  void replay(std::uint64_t round, tpc::Reader& in);
  void send_x(std::uint64_t round);
  void send_evaluation(std::uint64_t round, const void* x);
  double stepsize(std::uint64_t round) const;
  void load(tpc::Reader& in);

  std::optional<GraphNode> node_;
  Bytes publication_;  // sealed
};

}  // namespace threepc
