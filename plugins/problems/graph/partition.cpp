#include "partition.hpp"

#include <algorithm>
#include <deque>
#include <numeric>
#include <set>
#include <string>

#include "../data/text_lines.hpp"

namespace {

constexpr std::uint32_t nobody = 0xffffffff;
constexpr std::uint64_t partition_draw = 2;  // of the problem's stream; node_graph.cpp has those before

std::vector<std::uint32_t> contiguous(std::uint64_t nodes, std::uint64_t workers) {
  std::vector<std::uint32_t> owner(nodes);
  for (std::uint64_t v = 0; v < nodes; ++v) owner[v] = static_cast<std::uint32_t>(v * workers / nodes);
  return owner;
}

/// Distinct nodes, one for each worker.
std::vector<std::uint32_t> beginnings(std::uint32_t nodes, const tpc::Setup& setup) {
  tpc_context context = setup.first_round();
  context.round = partition_draw;
  tpc::Random random(setup.host(), context, tpc::Scope::shared_by_workers);
  std::vector<std::uint32_t> order(nodes);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = 0; i < setup.workers(); ++i) std::swap(order[i], order[i + random.below(nodes - i)]);
  order.resize(setup.workers());
  return order;
}

/// Breadth first from several nodes at once, a node in turn each.
class Growth {
 public:
  Growth(const NodeGraph& graph, const std::vector<std::uint32_t>& beginnings)
      : graph_(&graph), owner_(graph.size(), nobody), waiting_(beginnings.size()), held_(beginnings.size()) {
    for (std::size_t worker = 0; worker < beginnings.size(); ++worker) waiting_[worker].push_back(beginnings[worker]);
  }

  std::vector<std::uint32_t> finish() {
    while (take_turns()) continue;
    for (std::uint32_t v = 0; v < owner_.size(); ++v)
      if (owner_[v] == nobody) give(v, std::min_element(held_.begin(), held_.end()) - held_.begin());
    return std::move(owner_);
  }

 private:
  /// False: nobody found any more.
  bool take_turns() {
    bool found = false;
    for (std::size_t worker = 0; worker < waiting_.size(); ++worker) found = grow(worker) || found;
    return found;
  }

  bool grow(std::size_t worker) {
    std::deque<std::uint32_t>& waiting = waiting_[worker];
    while (!waiting.empty() && owner_[waiting.front()] != nobody) waiting.pop_front();
    if (waiting.empty()) return false;
    const std::uint32_t v = waiting.front();
    give(v, static_cast<std::ptrdiff_t>(worker));
    for (const std::uint32_t u : graph_->neighbours[v])
      if (owner_[u] == nobody) waiting.push_back(u);
    return true;
  }

  void give(std::uint32_t v, std::ptrdiff_t worker) {
    owner_[v] = static_cast<std::uint32_t>(worker);
    ++held_[static_cast<std::size_t>(worker)];
  }

  const NodeGraph* graph_;
  std::vector<std::uint32_t> owner_;
  std::vector<std::deque<std::uint32_t>> waiting_;
  std::vector<std::uint32_t> held_;
};

std::vector<std::uint32_t> read_owners(const std::string& file, std::uint32_t nodes, std::uint32_t workers) {
  const FileText text(file);
  std::vector<std::uint32_t> owner;
  for_each_line(file, text.text(), [&](const TextLine& line) {
    for (std::size_t i = 0; i < line.size(); ++i) owner.push_back(line.below(i, workers, "a worker"));
  });
  if (owner.size() != nodes)
    throw tpc::Corrupt(tpc::text(file, ": expected a worker for each of ", nodes, " nodes, seen ", owner.size()));
  const std::set<std::uint32_t> used(owner.begin(), owner.end());
  for (std::uint32_t worker = 0; worker < workers; ++worker)
    if (!used.contains(worker)) throw tpc::Corrupt(tpc::text(file, ": worker ", worker, " has no node"));
  return owner;
}

}  // namespace

std::vector<std::uint32_t> partition_of(const NodeGraph& graph, const PartitionOptions& options,
                                        const tpc::Setup& setup) {
  if (graph.size() < setup.workers())
    throw tpc::BadParameter("graph", tpc::text("has ", graph.size(), " nodes, fewer than the ", setup.workers(),
                                               " workers; lower workers.count"));
  if ((options.partition == "file") != options.owners.has_value())
    throw tpc::BadParameter("owners", "is the file of partition = \"file\": give both or none");
  if (options.owners) return read_owners(std::string(options.owners->file), graph.size(), setup.workers());
  if (options.partition == "contiguous") return contiguous(graph.size(), setup.workers());
  return Growth(graph, beginnings(graph.size(), setup)).finish();
}
