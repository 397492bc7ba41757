#include "network/digraph.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "failure.hpp"
#include "plugin/streams.hpp"
#include "plugin/topology.hpp"

namespace threepc {
namespace {

std::string name_of(const tpc::Link& link) {
  return "the link from worker " + std::to_string(link.from) + " to worker " + std::to_string(link.to);
}

}  // namespace

Digraph::Digraph(std::uint32_t workers, std::vector<tpc::Link> links, const std::string& source)
    : source_(source), links_(std::move(links)), first_(workers + 1), out_degree_(workers) {
  const auto place = [](const tpc::Link& link) { return std::tuple(link.to, link.from); };
  std::sort(links_.begin(), links_.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  for (std::size_t i = 0; i < links_.size(); ++i) {
    check(links_[i]);
    if (i > 0 && place(links_[i]) == place(links_[i - 1]))
      throw Failure(Exit::usage, source_ + ": " + name_of(links_[i]) + " is there twice");
    ++first_[links_[i].to + 1];
    ++out_degree_[links_[i].from];
  }
  for (std::uint32_t worker = 0; worker < workers; ++worker) first_[worker + 1] += first_[worker];
  require_strongly_connected();
}

void Digraph::check(const tpc::Link& link) const {
  if (link.from >= workers() || link.to >= workers() || link.from == link.to)
    throw Failure(Exit::usage, source_ + ": " + name_of(link) + " is none between two of " + std::to_string(workers()) +
                                   " workers, who count from 0");
  const bool weighted = link.weight == link.weight;
  if (weighted != has_weights())
    throw Failure(Exit::usage, source_ + ": " + name_of(link) + (weighted ? " has a weight" : " has no weight") +
                                   ", other than the first; give all links one, or none");
  if (weighted && !(link.weight > 0 && link.weight <= 1))
    throw Failure(Exit::usage, source_ + ": " + name_of(link) + " has the weight " + std::to_string(link.weight) +
                                   "; it must be above 0 and at most 1");
}

/// Whom worker 0 reaches, or who reaches it.
std::vector<bool> Digraph::reached(bool backwards) const {
  std::vector<std::vector<std::uint32_t>> next(workers());
  for (const tpc::Link& link : links_)
    backwards ? next[link.to].push_back(link.from) : next[link.from].push_back(link.to);
  std::vector<bool> seen(workers());
  std::vector<std::uint32_t> open = {0};
  seen[0] = true;
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    open.pop_back();
    for (const std::uint32_t worker : next[at])
      if (!seen[worker]) seen[worker] = true, open.push_back(worker);
  }
  return seen;
}

void Digraph::require_strongly_connected() const {
  for (const bool backwards : {false, true}) {
    const std::vector<bool> seen = reached(backwards);
    const auto missing = static_cast<std::uint32_t>(std::find(seen.begin(), seen.end(), false) - seen.begin());
    if (missing == workers()) continue;
    const std::uint32_t from = backwards ? missing : 0, to = backwards ? 0 : missing;
    throw Failure(Exit::usage, source_ + ": there is no way from worker " + std::to_string(from) + " to worker " +
                                   std::to_string(to) + " along the links of this graph, so the two never agree; add " +
                                   "links until everybody reaches everybody");
  }
}

bool Digraph::is_undirected() const {
  return std::all_of(links_.begin(), links_.end(), [&](const tpc::Link& link) {
    const auto back = to(link.from);
    const auto less = [](const tpc::Link& a, std::uint32_t from) { return a.from < from; };
    const auto found = std::lower_bound(back.begin(), back.end(), link.to, less);
    return found != back.end() && found->from == link.to;
  });
}

Digraph digraph_of(const RunConfig& config) {
  const PluginSpec& spec = *config.topology;
  const Membership everybody = {config.dtype, 0, config.workers, TPC_SERVER, config.seed};
  const Topology topology(spec, everybody, streams::topology);
  return Digraph(config.workers, topology.links(), std::string("[topology] plugin = \"") + spec.descriptor->id + "\"");
}

}  // namespace threepc
