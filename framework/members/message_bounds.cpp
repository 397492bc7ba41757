#include "members/message_bounds.hpp"

#include <algorithm>

#include "members/channel.hpp"
#include "plugin/problem.hpp"

namespace threepc {
namespace {

constexpr std::uint64_t texts = std::uint64_t{64} << 10;  // and all that is small: headers, checksums, measurements

std::uint64_t state_vectors(const PluginSpec& spec) {
  std::uint64_t count = spec.descriptor->state_vectors;
  for (const PluginSpec& child : spec.children) count += state_vectors(child);
  return count;
}

}  // namespace

std::uint64_t longest_message(const RunConfig& config, const MechanismTree& mechanism, std::uint64_t parcels) {
  const Membership& run = mechanism.membership();
  const std::uint64_t vector = sizeof(double) * std::uint64_t{run.dim};  // curvature products are doubles always
  // A worker's state is g_i, what it has lent, each a sum and its error, v, x, and what plugins declare; twice that
  // leaves room for what else a version adds.
  const std::uint64_t state = (12 + state_vectors(config.mechanism)) * vector;
  const std::uint64_t facts = vector + sizeof(tpc::Block) * run.blocks.size();
  const std::uint64_t lines = 2 * agreement_text(config).size();
  return texts + longest_history(config, parcels) + std::max({mechanism.longest_program(), state, facts, lines});
}

std::uint64_t longest_history(const RunConfig& config, std::uint64_t parcels) {
  constexpr std::uint64_t heading = 16;  // of a parcel
  return exchanges_of(config.problem) * (parcels + heading * (config.workers + 1));
}

}  // namespace threepc
