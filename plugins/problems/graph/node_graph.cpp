#include "node_graph.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "../data/text_lines.hpp"

namespace {

/// A number of the problem's own random stream for each purpose.
enum Draw : std::uint64_t { graph_draw, train_draw };

tpc_context stream_of(const tpc::Setup& setup, Draw draw) {
  tpc_context context = setup.first_round();
  context.round = draw;
  return context;
}

/// Either way, and more than once, is one edge; a loop is one that every node has.
void join(NodeGraph& graph, std::uint32_t u, std::uint32_t v) {
  if (u == v) return;
  graph.neighbours[u].push_back(v);
  graph.neighbours[v].push_back(u);
}

void sort_neighbours(NodeGraph& graph) {
  for (std::vector<std::uint32_t>& all : graph.neighbours) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
}

std::uint64_t read_edges(const std::string& file, NodeGraph& graph) {
  const FileText text(file);
  for_each_line(file, text.text(), [&](const TextLine& line) {
    line.require(2, "an edge, U V");
    join(graph, line.below(0, graph.size(), "a node"), line.below(1, graph.size(), "a node"));
  });
  return text.digest();
}

void read_nodes(const std::string& file, NodeGraph& graph) {
  const auto rows = LibsvmFile::open(file, std::nullopt);
  const std::vector<double> classes = rows->classes();
  std::vector<std::uint32_t> all(rows->labels().size());
  std::iota(all.begin(), all.end(), 0U);
  graph.features = rows->rows(all);
  graph.feature_count = rows->features();
  graph.class_count = static_cast<std::uint32_t>(classes.size());
  graph.class_of = rows->class_of_rows(classes);
  graph.neighbours.resize(graph.size());
  graph.digest = rows->digest();
}

NodeGraph read(const GraphOptions& options) {
  if (!options.features)
    throw tpc::BadParameter("features", "a graph from a file needs features = \"FILE\", too: a row for each node");
  NodeGraph graph;
  read_nodes(std::string(options.features->file), graph);
  const std::array<std::uint64_t, 2> both = {graph.digest, read_edges(std::string(options.graph->file), graph)};
  graph.digest = digest_of({reinterpret_cast<const char*>(both.data()), sizeof both});
  return graph;
}

/// Each row divided by its sum.
void draw_words(const GraphOptions& options, tpc::Random& random, NodeGraph& graph) {
  graph.feature_count = static_cast<std::uint32_t>(options.words);
  for (std::uint32_t v = 0; v < graph.size(); ++v) {
    for (std::uint32_t word = 0; word < graph.feature_count; ++word) {
      const bool own = word % graph.class_count == graph.class_of[v];
      if (random.uniform() < (own ? options.p_topic : options.p_word)) graph.features.columns.push_back(word);
    }
    const std::size_t count = graph.features.columns.size() - graph.features.values.size();
    graph.features.values.resize(graph.features.columns.size(), 1 / static_cast<double>(count));
    graph.features.row_begin.push_back(graph.features.columns.size());
  }
}

/// A planted partition: classes are communities and topics.
NodeGraph draw(const GraphOptions& options, const tpc::Setup& setup) {
  if (options.features) throw tpc::BadParameter("features", "are of a graph from a file: give graph = \"FILE\", too");
  const tpc_context context = stream_of(setup, graph_draw);
  tpc::Random random(setup.host(), context, tpc::Scope::shared_by_workers);
  NodeGraph graph;
  graph.class_count = static_cast<std::uint32_t>(options.classes);
  graph.class_of.resize(static_cast<std::size_t>(options.nodes));
  graph.neighbours.resize(graph.size());
  for (std::uint32_t& c : graph.class_of) c = random.below(graph.class_count);
  for (std::uint32_t u = 0; u < graph.size(); ++u)
    for (std::uint32_t v = u + 1; v < graph.size(); ++v)
      if (random.uniform() < (graph.class_of[u] == graph.class_of[v] ? options.p_in : options.p_out)) join(graph, u, v);
  draw_words(options, random, graph);
  return graph;
}

void read_train(const std::string& file, NodeGraph& graph) {
  const FileText text(file);
  for_each_line(file, text.text(), [&](const TextLine& line) {
    for (std::size_t i = 0; i < line.size(); ++i) graph.is_train[line.below(i, graph.size(), "a node")] = true;
  });
  const std::array<std::uint64_t, 2> both = {graph.digest, text.digest()};
  graph.digest = digest_of({reinterpret_cast<const char*>(both.data()), sizeof both});
}

/// How many of each class, the first ones taking the remainder.
std::vector<std::int64_t> quotas(std::int64_t train, std::uint32_t classes) {
  std::vector<std::int64_t> out(classes, train / classes);
  for (std::int64_t c = 0; c < train % classes; ++c) ++out[static_cast<std::size_t>(c)];
  return out;
}

/// Along a random order of the nodes (Fisher and Yates).
void draw_train(std::int64_t train, const tpc::Setup& setup, NodeGraph& graph) {
  const tpc_context context = stream_of(setup, train_draw);
  tpc::Random random(setup.host(), context, tpc::Scope::shared_by_workers);
  std::vector<std::int64_t> left = quotas(train, graph.class_count);
  std::vector<std::uint32_t> order(graph.size());
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = graph.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  for (const std::uint32_t v : order)
    if (left[graph.class_of[v]]-- > 0) graph.is_train[v] = true;
}

void choose_train(const GraphOptions& options, const tpc::Setup& setup, NodeGraph& graph) {
  graph.is_train.assign(graph.size(), false);
  if (options.train_nodes)
    read_train(std::string(options.train_nodes->file), graph);
  else
    draw_train(options.train, setup, graph);
  graph.train_count = static_cast<std::uint32_t>(std::count(graph.is_train.begin(), graph.is_train.end(), true));
  if (graph.train_count == 0) throw tpc::BadParameter("train_nodes", "the file names no node");
}

}  // namespace

NodeGraph NodeGraph::make(const GraphOptions& options, const tpc::Setup& setup) {
  NodeGraph graph = options.graph ? read(options) : draw(options, setup);
  sort_neighbours(graph);
  choose_train(options, setup, graph);
  return graph;
}
