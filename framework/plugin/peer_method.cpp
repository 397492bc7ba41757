#include "plugin/peer_method.hpp"

#include <algorithm>
#include <string>

#include "plugin/checked_calls.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t most_published = 8;

/// What is wrong with a plugin's table; nullptr: nothing.
const char* fault_of(const tpc_peers& peers, std::uint32_t state_vectors) {
  if (peers.struct_size < sizeof(tpc_peers)) return "is truncated";
  if (peers.published_count < 1 || peers.published_count > most_published || peers.published == nullptr)
    return "does not publish 1 to 8 vectors";
  if (peers.mix == nullptr || peers.adapt == nullptr) return "has no mix or no adapt";
  if (peers.order != TPC_COMBINE_THEN_ADAPT && peers.order != TPC_ADAPT_THEN_COMBINE) return "has an unknown order";
  const std::span<const tpc_published> published(peers.published, peers.published_count);
  const auto known = [&](const tpc_published& p) {
    return p.vector <= state_vectors && (p.sums == TPC_COLUMNS_SUM_TO_ONE || p.sums == TPC_ROWS_SUM_TO_ONE);
  };
  return std::all_of(published.begin(), published.end(), known) ? nullptr : "publishes a vector that there is not";
}

}  // namespace

const tpc_peers* find_peers(const PluginSpec& spec) {
  const auto& table = *static_cast<const tpc_optimizer*>(spec.descriptor->table);
  const void* const found = table.extension == nullptr ? nullptr : table.extension(TPC_PEERS);
  if (found == nullptr) return nullptr;
  const auto* const peers = static_cast<const tpc_peers*>(found);
  if (const char* const fault = fault_of(*peers, spec.descriptor->state_vectors))
    throw Failure(Exit::plugin, std::string("optimizer '") + spec.descriptor->id + "' misbehaved: its table " +
                                    TPC_PEERS + " " + fault + " (" + spec.file + ")");
  return peers;
}

PeerMethod::PeerMethod(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Optimizer(spec, membership, stream), peers_(find_peers(spec)) {}

void PeerMethod::begin(const tpc_context& context, const void* g, void* x, void* const* state) const {
  checked(
      "begin", [&](tpc_error* error) { return peers_->begin(self_, &context, g, x, state, error); }, &context);
}

void PeerMethod::mix(const tpc_context& context, const void* const* delta, void* x, void* const* state) const {
  checked(
      "mix", [&](tpc_error* error) { return peers_->mix(self_, &context, delta, x, state, error); }, &context);
}

void PeerMethod::adapt(const tpc_context& context, const void* g, const void* const* delta, void* x,
                       void* const* state) const {
  checked(
      "adapt", [&](tpc_error* error) { return peers_->adapt(self_, &context, g, delta, x, state, error); }, &context);
}

}  // namespace threepc
