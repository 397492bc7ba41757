// A mechanism with its children, as both roles of it have it. Equal specs give equal codec numbers and random streams
// on both sides.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "method/program.hpp"
#include "plugin/instances.hpp"
#include "vector/tracked_vector.hpp"

namespace threepc {

/// Whoever makes messages has an Encoder; whoever only decodes what others have made, a Replica.
class MechanismTree {
 public:
  MechanismTree(MechanismTree&&) noexcept;

  /// A, B and B_spread of the whole; NaN when no theory is known.
  tpc::Constants constants() const;
  /// The capabilities of all mechanisms in the tree.
  std::uint32_t capabilities() const;
  std::string name() const;
  const Membership& membership() const { return membership_; }
  /// What remains of a lent operation in later rounds, 0 for a mechanism that does not say.
  double keep() const { return keep_; }

  /// Bytes of the longest program of a round. A mechanism says each thing a few times at the most; what proposes more
  /// misbehaves.
  std::uint64_t longest_program() const;

  /// The compressors directly in a mechanism's slots; operations name them by number, from 1.
  const std::vector<std::unique_ptr<Compressor>>& codecs() const { return codecs_; }

  /// The plugin whose part of `message`, sent by `worker` in `round`, decodes to NaN, infinity or numbers beyond
  /// moderate_magnitude(); "" if none.
  std::string culprit(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> message) const;

  /// Adds decode(operation.payload), as `worker` sent it in `round`, to `target`; returns the number of values
  /// that it carried. Throws Failure for malformed bytes.
  std::uint64_t replay(const Operation& operation, std::uint64_t round, std::uint32_t worker,
                       const tpc_sum& target) const;
  /// Moves h as the whole program of `worker` in `round` moved the worker's own.
  void replay(std::span<const std::uint8_t> program, std::uint64_t round, std::uint32_t worker, TrackedVector& h) const;

 protected:
  struct Node;

  /// Creates every instance, checks that each slot holds the class of compressor that it accepts, and, for an encoder,
  /// allocates the declared state vectors. Throws Failure.
  MechanismTree(const PluginSpec& spec, const Membership& membership, Role role);
  ~MechanismTree();

  void apply(const Operation& operation, std::uint64_t round, std::uint32_t worker, TrackedVector& h) const;
  void add_dense(std::span<const std::uint8_t> payload, const tpc_sum& target) const;

  Membership membership_;
  Role role_;
  std::vector<std::unique_ptr<Compressor>> codecs_;  // codec c is codecs_[c - 1]
  std::uint32_t instances_ = 0;
  std::unique_ptr<Node> root_;
  double keep_ = 0;

 private:
  std::unique_ptr<Node> build(const PluginSpec& spec);
};

}  // namespace threepc
