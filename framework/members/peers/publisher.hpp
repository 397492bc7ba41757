// What a worker says of one of its vectors, to all who hear it.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"
#include "method/encoder.hpp"
#include "vector/bytes.hpp"

namespace threepc {

/// The three points of a mechanism that publishes v: h is what others know of it, vh, y is v when it was last
/// published, x is v now. Not thread-safe.
class Publisher {
 public:
  /// Throws Failure, as Encoder does.
  Publisher(const RunConfig& config, const Membership& membership);

  /// Replaces `program` by what is said in this round: in the first of `init`, v itself, nothing, or what the mechanism
  /// makes of it.
  void publish(std::uint64_t round, double stepsize, const RawVector& v, Bytes& program);
  /// vh
  const RawVector& known() const { return encoder_.h().sum(); }
  const Encoder& encoder() const { return encoder_; }

  void save(Bytes& out) const;
  void load(tpc::Reader& in);

 private:
  Init init_;
  Encoder encoder_;
  RawVector before_;
  bool begun_ = false;
};

}  // namespace threepc
