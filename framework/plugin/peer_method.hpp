// Methods of peers as the host uses them: optimizers that have the extension TPC_PEERS.
#pragma once

#include <threepc/draft/peers.h>

#include <cstdint>
#include <span>

#include "plugin/optimizer.hpp"

namespace threepc {

/// nullptr: it is for a server alone. Throws Failure(Exit::plugin) for a table that is none.
const tpc_peers* find_peers(const PluginSpec& spec);

/// An optimizer of one worker. Vectors hold dim values of the run's dtype; see tpc_peers for when each is called.
class PeerMethod : public Optimizer {
 public:
  /// `spec` has the extension.
  PeerMethod(const PluginSpec& spec, const Membership& membership, std::uint32_t stream);

  std::span<const tpc_published> published() const { return {peers_->published, peers_->published_count}; }
  bool adapts_first() const { return peers_->order == TPC_ADAPT_THEN_COMBINE; }
  bool divides() const { return peers_->divides != 0; }
  bool has_begin() const { return peers_->begin != nullptr; }

  void begin(const tpc_context& context, const void* g, void* x, void* const* state) const;
  void mix(const tpc_context& context, const void* const* delta, void* x, void* const* state) const;
  void adapt(const tpc_context& context, const void* g, const void* const* delta, void* x, void* const* state) const;

 private:
  const tpc_peers* peers_;
};

}  // namespace threepc
