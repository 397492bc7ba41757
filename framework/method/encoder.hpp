// The role that makes messages: a mechanism tree with its state and the h that its messages move.
#pragma once

#include <cstdint>
#include <vector>

#include "method/measurement.hpp"
#include "method/mechanism_tree.hpp"

namespace threepc {

/// Turns points into a message and moves h by that message. A worker of a star has one. Not thread-safe.
class Encoder : public MechanismTree {
 public:
  /// Throws Failure, as MechanismTree does.
  Encoder(const PluginSpec& spec, const Membership& membership);

  /// Replaces `message` by this round's program and moves h by replaying it. y and x hold dim values. Fills
  /// `measurement` if there is one, which decodes every payload once more.
  void propose(std::uint64_t round, double stepsize, const void* y, const void* x, std::vector<std::uint8_t>& message,
               Measurement* measurement = nullptr);
  /// The program that sets h to x, sent once for init = "gradient".
  void propose_initial(const void* x, std::vector<std::uint8_t>& message);

  /// What all that has been proposed makes of zero: g_i, bit for bit as a Replica has it.
  const TrackedVector& h() const { return h_; }
  TrackedVector& h() { return h_; }
  /// The declared state of every plugin in the tree, always in the same order.
  std::vector<RawVector*> state() const;

 private:
  struct Emission;
  friend struct Emission;

  void propose_at(Node& node, Emission& emission);
  double distance(const void* a, const void* b) const;

  TrackedVector h_;
};

}  // namespace threepc
