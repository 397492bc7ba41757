#include "members/peers/network.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "hash.hpp"
#include "vector/bytes.hpp"

namespace threepc {
namespace {

constexpr std::uint64_t publishing_seed = 0xd1b54a32d192ed03;
constexpr std::uint64_t small = std::uint64_t{64} << 10;  // texts, headers, checksums

bool publishes_rows(const RunConfig& config) {
  const tpc_peers& peers = *find_peers(config.optimizer);
  const std::span<const tpc_published> all(peers.published, peers.published_count);
  return std::any_of(all.begin(), all.end(), [](const tpc_published& p) { return p.sums == TPC_ROWS_SUM_TO_ONE; });
}

/// How much of a vector is left of it, at least: alpha, or what scaling makes one of an unbiased compressor.
double contraction(const Compressor& codec) {
  const tpc::Constants constants = codec.constants();
  return std::isnan(constants.alpha) ? 1 / (1 + constants.omega) : constants.alpha;
}

std::uint64_t state_vectors(const PluginSpec& spec) {
  std::uint64_t count = spec.descriptor->state_vectors;
  for (const PluginSpec& child : spec.children) count += state_vectors(child);
  return count;
}

}  // namespace

Network::Network(const RunConfig& config)
    : graph(digraph_of(config)),
      columns(mixing_matrix(graph, config.weights, TPC_COLUMNS_SUM_TO_ONE)),
      rows(publishes_rows(config) ? mixing_matrix(graph, config.weights, TPC_ROWS_SUM_TO_ONE) : columns) {}

std::uint64_t Network::digest() const {
  Bytes all;
  append(all, graph.workers());
  for (const tpc::Link& link : graph.links()) append(all, link.from), append(all, link.to);
  for (std::uint32_t worker = 0; worker < graph.workers(); ++worker)
    for (const MixingMatrix* matrix : {&columns, &rows}) {
      append(all, matrix->own(worker));
      for (const double weight : matrix->to(worker)) append(all, weight);
    }
  return hash64(all.data(), all.size());
}

/// A graph of a thousand workers has up to a million links, which each of them would otherwise hold.
std::shared_ptr<const Network> network_of(const RunConfig& config) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const Network>> known;
  std::string name;
  for (const std::string& line : agreement(config)) name += line + "\n";
  for (const auto& value : config.topology->values)
    if (value && std::holds_alternative<std::string>(*value)) name += std::get<std::string>(*value) + "\n";
  const std::lock_guard lock(mutex);
  if (auto shared = known[name].lock()) return shared;
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  const auto made = std::make_shared<const Network>(config);
  known[name] = made;
  return made;
}

double consensus_of(const RunConfig& config, const MechanismTree& tree) {
  if (config.consensus) return *config.consensus;
  double alpha = 1;
  for (const auto& codec : tree.codecs()) {
    const double own = contraction(*codec);
    if (!(own > 0))  // NaN, too: it says nothing of itself
      throw Failure(Exit::usage, config.file +
                                     ": optimizer.consensus: \"auto\" is half the alpha of the compressor, and " +
                                     codec->name() + " names none above 0; give a number, such as 0.1");
    alpha = std::min(alpha, own);
  }
  return alpha < 1 ? alpha / 2 : 1;
}

Membership publishing_membership(Membership run, std::size_t k) {
  run.seed ^= k * publishing_seed;
  return run;
}

std::uint64_t longest_node_state(const RunConfig& config, const Network& network, const MechanismTree& tree) {
  const std::uint64_t published = find_peers(config.optimizer)->published_count;
  std::uint64_t heard = 0;
  for (std::uint32_t worker = 0; worker < network.graph.workers(); ++worker)
    heard = std::max<std::uint64_t>(heard, network.graph.to(worker).size());
  // Of each published vector: what it is to others and what of that is lent, each a sum and its error, the vector
  // before, the mechanism's own; and of each in-neighbour as much again, where none can be added to another.
  const std::uint64_t each = 5 + state_vectors(config.mechanism) + 6 * heard;
  const std::uint64_t vectors = 4 + config.optimizer.descriptor->state_vectors + published * each;
  return small + sizeof(double) * (vectors * tree.membership().dim + 16 * std::uint64_t{config.workers});
}

std::uint64_t longest_publication(const RunConfig& config, const MechanismTree& tree) {
  return small + find_peers(config.optimizer)->published_count * tree.longest_program();
}

}  // namespace threepc
