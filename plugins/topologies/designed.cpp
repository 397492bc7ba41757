// A graph whose mixing matrix is designed: near to averaging at once, over few links.
#include <algorithm>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>

#include "design/design.hpp"
#include "graph/edge_list.hpp"
#include "graph_file.hpp"

namespace {

namespace graph = threepc::graph;

constexpr double faintest = 1e-4;  // weight of a link that nobody needs; one with less is left out

struct DesignedOptions {
  std::optional<tpc::Path> needed, possible;
  double sparsity = 0.2, delta = 0.01;
};

graph::Graph read(const std::string& file, std::uint32_t workers) {
  graph::Graph out = reading([&] { return graph::read_edge_list(file, workers); });
  out.nodes = workers;
  return out;
}

bool by_ends(const graph::Edge& a, const graph::Edge& b) { return std::pair(a.u, a.v) < std::pair(b.u, b.v); }

bool holds(const graph::Graph& graph, const graph::Edge& edge) {
  return std::binary_search(graph.edges.begin(), graph.edges.end(), edge, by_ends);
}

/// What is asked for, checked, and its answer. Looks at the options for as long as it lives.
class Task {
 public:
  Task(const DesignedOptions& options, std::uint32_t workers)
      : options_(options),
        workers_(workers),
        needed_(options.needed ? read(needed_file(), workers) : graph::Graph{workers, {}}),
        possible_(options.possible ? read(possible_file(), workers) : all_pairs()) {
    require_few(possible_.edges.size());
    require_needed_possible();
    require_room_for_needed();
    if (const auto apart = graph::unconnected(possible_))
      throw tpc::Corrupt(
          tpc::text(possible_file(), ": ", no_way(*apart), "; add links until everybody reaches everybody"));
  }

  /// Weights between both ends of links; those that are too faint to be worth one are left out.
  graph::Graph solve() const {
    const std::vector<design::Candidate> all = candidates();
    const std::vector<double> weights = design::weights(workers_, all);
    graph::Graph out{workers_, {}};
    for (std::size_t e = 0; e < all.size(); ++e)
      if (all[e].least > 0 || weights[e] >= faintest) out.edges.push_back({all[e].u, all[e].v, weights[e]});
    if (const auto apart = graph::unconnected(out))
      throw tpc::BadParameter("sparsity",
                              "leaves too few links: " + no_way(*apart) + "; lower it, or name needed ones");
    return out;
  }

 private:
  std::string needed_file() const { return std::string(options_.needed->file); }
  std::string possible_file() const { return std::string(options_.possible->file); }

  static std::string no_way(std::pair<graph::Node, graph::Node> apart) {
    return tpc::text("there is no way from worker ", apart.first, " to worker ", apart.second);
  }

  static void require_few(std::uint64_t links) {
    if (links > design::most_candidates)
      throw tpc::BadParameter("possible",
                              tpc::text("expected a file of at most ", design::most_candidates, " links, got ", links,
                                        "; the time of a design grows with their third power"));
  }

  graph::Graph all_pairs() const {
    require_few(std::uint64_t{workers_} * (workers_ - 1) / 2);
    graph::Graph out{workers_, {}};
    for (std::uint32_t u = 0; u < workers_; ++u)
      for (std::uint32_t v = u + 1; v < workers_; ++v) out.edges.push_back({u, v, 1});
    return out;
  }

  void require_needed_possible() const {
    for (const graph::Edge& edge : needed_.edges)
      if (!holds(possible_, edge))
        throw tpc::Corrupt(tpc::text(needed_file(), ": the link between ", edge.u, " and ", edge.v,
                                     " is not among the possible ones, in ", possible_file()));
  }

  void require_room_for_needed() const {
    std::vector<double> least(workers_);
    for (const graph::Edge& edge : needed_.edges) least[edge.u] += options_.delta, least[edge.v] += options_.delta;
    const auto most = std::max_element(least.begin(), least.end());
    if (*most >= 1 - 2 * design::least_own)
      throw tpc::BadParameter("delta", tpc::text("expected less: the needed links of worker ", most - least.begin(),
                                                 " take ", *most, " at least of the 1 that its weights sum to"));
  }

  std::vector<design::Candidate> candidates() const {
    std::vector<design::Candidate> out;
    for (const graph::Edge& edge : possible_.edges) {
      const bool needed = holds(needed_, edge);
      out.push_back({edge.u, edge.v, needed ? options_.delta : 0, needed ? 0 : options_.sparsity});
    }
    return out;
  }

  const DesignedOptions& options_;
  std::uint32_t workers_;
  graph::Graph needed_, possible_;
};

class Designed {
 public:
  static constexpr tpc::About about = {
      .id = "designed",
      .version = "1.0.0",
      .summary = "Weights that minimise |C - 11'/n| + sparsity times the weights of links that nobody needs.",
      .paper =
          "after Scardapane, Spinelli, Di Lorenzo, Distributed Training of Graph Convolutional Networks, 2020, "
          "arXiv 2007.06281, section IV"};
  static constexpr auto params = tpc::params(
      tpc::param<&DesignedOptions::needed>("needed",
                                           "lines U V: links both ways that are always there (default: none)"),
      tpc::param<&DesignedOptions::possible>("possible", "lines U V: links both ways that may be there (default: all)"),
      tpc::param<&DesignedOptions::sparsity>("sparsity", "price of a unit of weight on a link that is not needed",
                                             {.minimum = 0, .maximum = 1e6}),
      tpc::param<&DesignedOptions::delta>("delta", "least weight of a needed link",
                                          {.minimum = 0, .maximum = 1, .above_minimum = true}));

  Designed(const DesignedOptions& options, const tpc::Setup& setup) : graph_(Task(options, setup.workers()).solve()) {}

  std::vector<tpc::Link> links() const {
    std::vector<tpc::Link> out;
    for (const graph::Edge& edge : graph_.edges)
      out.insert(out.end(), {{edge.u, edge.v, edge.weight}, {edge.v, edge.u, edge.weight}});
    return out;
  }

 private:
  graph::Graph graph_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<Designed>);
