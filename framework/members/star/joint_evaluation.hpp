// A worker's part of an evaluation that all workers make together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "members/star/parcels.hpp"
#include "plugin/problem.hpp"
#include "vector/bytes.hpp"

namespace threepc {

/// Plays the stages of a problem that has an exchange (threepc/draft/exchange.h), without the network. One thread.
class JointEvaluation {
 public:
  /// `problem` outlives it.
  explicit JointEvaluation(const Problem& problem);

  /// At x, which is copied. `context` is of the round.
  void begin(const tpc_context& context, const void* x);
  /// What this worker has for its peers, sealed; valid until the next call.
  Bytes& said() { return said_; }
  /// Goes on with a mail of the server's. Throws Failure(Exit::peer) for what is none.
  void hear(std::span<const std::uint8_t> mail);
  bool is_over() const { return over_; }

  /// An evaluation that has been, with the history that a Relay has kept of it. Throws tpc::Error.
  void replay(const tpc_context& context, const void* x, tpc::Reader& in);

  // Of one that is over.
  const RawVector& x() const { return x_; }
  /// Either may be nullptr.
  void read(double* value, void* gradient) const;

 private:
  void go_on();
  void judge();
  void open(std::span<const std::uint8_t> parcels);

  const Problem* problem_;
  tpc_context context_;
  std::uint32_t exchanges_;
  std::vector<std::uint32_t> peers_;
  std::uint32_t stage_ = 0;
  bool over_ = true;
  RawVector x_, gradient_;
  double value_ = 0;
  std::vector<Bytes> held_;  // what was heard, where vectors of the run can lie
  std::vector<tpc_parcel> heard_, parcels_;
  Bytes said_;
};

}  // namespace threepc
