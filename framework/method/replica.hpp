// The role that only decodes.
#pragma once

#include "method/mechanism_tree.hpp"

namespace threepc {

/// Replays what any member has sent into what stands for its g_i: an h, the sum of many, or a ledger. The server of a
/// star has one for all its workers, because decoding has no state.
class Replica : public MechanismTree {
 public:
  /// Throws Failure, as MechanismTree does.
  Replica(const PluginSpec& spec, const Membership& membership) : MechanismTree(spec, membership, Role::replica) {}
};

}  // namespace threepc
