#include "awake/spanning_tree.hpp"

#include "awake/spanning_tree_node.hpp"

namespace threepc::awake {
namespace {

constexpr std::uint64_t blocks_of_a_phase = 11, blocks_of_the_last = 3;

/// The nodes' programs, held as what they are and as what the simulator sees.
struct Programs {
  std::vector<std::unique_ptr<NodeProgram>> all;
  std::vector<const SpanningTreeNode*> nodes;

  Programs(const graph::Links& links, const Knowledge& knowledge) {
    for (Node v = 0; v < knowledge.nodes; ++v) {
      auto node = std::make_unique<SpanningTreeNode>(v, links.of(v), knowledge);
      nodes.push_back(node.get());
      all.push_back(std::move(node));
    }
  }
};

/// Each edge is known at both ends; the lower one tells.
std::vector<graph::Edge> tree_of(const graph::Links& links, const Programs& programs) {
  std::vector<graph::Edge> tree;
  for (Node v = 0; v < programs.nodes.size(); ++v)
    for (const Port port : programs.nodes[v]->tree_ports()) {
      const graph::Link& link = links.of(v)[port];
      if (v < link.node) tree.push_back({v, link.node, link.weight});
    }
  return tree;
}

}  // namespace

Outcome simulate_spanning_tree(const graph::Graph& graph, const SimulationOptions& options) {
  graph::require_connected(graph, "the graph");
  const graph::Links links(graph);
  const Programs programs(links, {graph.nodes, options.seed, options.lean});
  Ledger ledger = simulate(Wiring(links, graph.nodes), programs.all);
  Outcome outcome;
  outcome.nodes = graph.nodes;
  outcome.lean = options.lean;
  outcome.tree = tree_of(links, programs);
  if (!programs.nodes.empty()) outcome.phases = programs.nodes.front()->phases();
  outcome.messages = ledger.sent();
  outcome.lost = ledger.lost();
  outcome.last_awake = ledger.last;
  outcome.accounts = std::move(ledger.nodes);
  for (const SpanningTreeNode* node : programs.nodes) outcome.upcasts_as_root.push_back(node->upcasts_as_root());
  return outcome;
}

Round Outcome::rounds(Accounting accounting) const {
  const std::uint64_t n = nodes;
  if (accounting == Accounting::schedule) return (blocks_of_a_phase * phases + blocks_of_the_last) * (2 * n + 1);
  const Round starts = phases + 1, side_blocks = 3 * phases + (lean ? phases + 1 : 0);
  return (blocks_of_a_phase * phases + blocks_of_the_last) * (2 * n + 3) + side_blocks + starts;
}

std::vector<Round> Outcome::awake(Accounting accounting) const {
  std::vector<Round> rounds;
  for (std::size_t v = 0; v < accounts.size(); ++v) {
    rounds.push_back(accounts[v].awake);
    if (accounting == Accounting::published)
      rounds.back() += (1 + blocks_of_a_phase) * phases + 1 + blocks_of_the_last + upcasts_as_root[v];
  }
  return rounds;
}

std::vector<double> energy(const Outcome& outcome, Accounting accounting, const EnergyCosts& costs) {
  const auto rounds = static_cast<double>(outcome.rounds(accounting));
  std::vector<double> all;
  for (const Round awake : outcome.awake(accounting)) {
    const auto up = static_cast<double>(awake), sent = static_cast<double>(outcome.accounts[all.size()].sent);
    all.push_back(up * costs.awake + (rounds - up) * costs.asleep + sent * costs.message);
  }
  return all;
}

}  // namespace threepc::awake
