// A spanning tree of measured links, both ways.
#include <optional>
#include <string>
#include <threepc/sdk.hpp>

#include "graph/spanning_tree.hpp"
#include "graph_file.hpp"

namespace {

namespace graph = threepc::graph;

struct MstOptions {
  tpc::Path costs;
  std::string_view objective = "slowest-link";
  std::optional<std::int64_t> root, fan_out;
};

class SpanningTree {
 public:
  static constexpr tpc::About about = {
      .id = "mst",
      .version = "1.0.0",
      .summary = "A spanning tree of measured links, both ways: what threepc topology mst makes of the same file.",
      .paper = "Kruskal, On the shortest spanning subtree of a graph and the traveling salesman problem, 1956"};
  static constexpr auto params = tpc::params(
      tpc::param<&MstOptions::costs>(
          "costs", "CSV: a table from,to,cost (also latency, bandwidth), or a matrix of costs; every pair of workers",
          {.required = true}),
      tpc::param<&MstOptions::objective>(
          "objective",
          "slowest-link: the slowest is as fast as can be; cost: the sum is the least; depth: near the root",
          {.choices = graph::objectives}),
      tpc::param<&MstOptions::root>("root", "depth: the worker that it is counted from (default: 0)", {.minimum = 0}),
      tpc::param<&MstOptions::fan_out>("fan_out", "depth: most children of a worker (default: any number)",
                                       {.minimum = 1, .maximum = graph::most_nodes}));

  SpanningTree(const MstOptions& options, const tpc::Setup& setup) {
    check(options, setup.workers());
    tree_ = reading([&] {
      return graph::spanning_tree(read_links(options, setup.workers()), options.objective, as_node(options.root),
                                  as_node(options.fan_out));
    });
  }

  std::vector<tpc::Link> links() const {
    std::vector<tpc::Link> out;
    for (const graph::Edge& edge : tree_.edges) out.insert(out.end(), {{edge.u, edge.v}, {edge.v, edge.u}});
    return out;
  }

 private:
  static graph::Node as_node(std::optional<std::int64_t> given) { return static_cast<graph::Node>(given.value_or(0)); }

  static void check(const MstOptions& options, std::uint32_t workers) {
    const bool rooted = options.objective == "depth";
    if (options.root && !rooted)
      throw tpc::BadParameter("root", "is of objective = \"depth\"; other trees have no root");
    if (options.fan_out && !rooted)
      throw tpc::BadParameter("fan_out", "is of objective = \"depth\"; otherwise the links alone decide");
    if (options.root && *options.root >= workers)
      throw tpc::BadParameter("root", tpc::text("expected a worker, 0 to ", workers - 1, ", got ", *options.root));
  }

  static graph::Graph read_links(const MstOptions& options, std::uint32_t workers) {
    const std::string file(options.costs.file);
    graph::Quantity used{};
    graph::Graph links = graph::read_link_costs(file, graph::quantity_for(options.objective), used,
                                                std::min(workers, graph::most_nodes_of_pairs));
    if (links.nodes != workers)
      throw tpc::Corrupt(tpc::text(file, ": expected the links between ", workers, " workers, got those between ",
                                   links.nodes, ": worker ", links.nodes, " has none"));
    return links;
  }

  graph::Graph tree_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<SpanningTree>);
