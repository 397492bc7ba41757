#include "graph/edge_list.hpp"

#include <algorithm>

#include "graph/number.hpp"
#include "graph/text_lines.hpp"

namespace threepc::graph {
namespace {

/// An edge and where it was read.
struct Read {
  Edge edge;
  std::size_t line;

  std::pair<Node, Node> ends() const { return {edge.u, edge.v}; }
};

Read read_edge(const TextLines& lines, Node bound) {
  const auto words = words_of(lines.text());
  if (words.size() != 2 && words.size() != 3)
    throw lines.fault("expected 'u v w' (two nodes and the weight of the edge between them) or 'u v', got " +
                      std::to_string(words.size()) + (words.size() == 1 ? " word" : " words"));
  const Node u = lines.node(words[0], bound), v = lines.node(words[1], bound);
  if (u == v) throw lines.fault("node " + std::to_string(u) + " has an edge to itself; remove the line");
  return {{std::min(u, v), std::max(u, v), words.size() == 3 ? lines.weight(words[2]) : 1}, lines.number()};
}

void refuse_repeated(const std::string& file, const std::vector<Read>& sorted) {
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].ends() == sorted[i - 1].ends())
      throw Failure(Exit::data, file + ":" + std::to_string(sorted[i].line) + ": the edge between " +
                                    std::to_string(sorted[i].edge.u) + " and " + std::to_string(sorted[i].edge.v) +
                                    " is in line " + std::to_string(sorted[i - 1].line) +
                                    " already; keep one (edges have no direction here)");
}

}  // namespace

Graph read_edge_list(const std::string& file, Node bound) {
  std::vector<Read> all;
  for (TextLines lines(file); lines.next();) all.push_back(read_edge(lines, bound));
  if (all.empty()) throw Failure(Exit::data, file + ": expected lines 'u v w', one for each edge; there are none");
  std::stable_sort(all.begin(), all.end(), [](const Read& a, const Read& b) { return a.ends() < b.ends(); });
  refuse_repeated(file, all);
  Graph graph;
  for (const Read& one : all) {
    graph.nodes = std::max(graph.nodes, one.edge.v + 1);
    graph.edges.push_back(one.edge);
  }
  return graph;
}

std::string to_edge_list(const Graph& graph, const std::string& comment) {
  std::string text = "# " + comment + "\n";
  for (const Edge& edge : graph.edges)
    text += std::to_string(edge.u) + " " + std::to_string(edge.v) + " " + shown(edge.weight) + "\n";
  return text;
}

}  // namespace threepc::graph
