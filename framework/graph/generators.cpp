#include "graph/generators.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "failure.hpp"
#include "graph/diameter.hpp"
#include "graph/number.hpp"
#include "graph/splitmix64.hpp"
#include "nearest.hpp"

namespace threepc::graph {
namespace {

constexpr int most_tries = 100;  // of a given p

/// What stands between the colons.
using Words = std::vector<std::string>;

Words split(const std::string& name) {
  Words words;
  for (std::size_t from = 0, to; from <= name.size(); from = to + 1) {
    to = std::min(name.find(':', from), name.size());
    words.push_back(name.substr(from, to - from));
  }
  return words;
}

template <class Number>
Number number(const std::string& name, const std::string& word, const char* what, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error == std::errc() && end == word.data() + word.size() && value >= least && value <= most) return value;
  throw Failure(Exit::usage, "graph '" + name + "': " + what + " is a number from " + shown(least) + " to " +
                                 shown(most) + ", got '" + word + "'");
}

/// Distinct weights 1 + a random choice of |E| of |E| + 99 numbers, in the edges' order.
void draw_weights(Graph& graph, SplitMix64& random) {
  const auto weights = random.subset(graph.edges.size() + 99, graph.edges.size());
  for (std::size_t i = 0; i < weights.size(); ++i) graph.edges[i].weight = 1.0 + static_cast<double>(weights[i]);
}

/// Weights 1 to |E| in random order.
Graph with_permuted_weights(Graph graph, std::uint64_t seed) {
  std::sort(graph.edges.begin(), graph.edges.end(),
            [](const Edge& a, const Edge& b) { return std::pair(a.u, a.v) < std::pair(b.u, b.v); });
  const auto weights = SplitMix64(seed).permutation(graph.edges.size());
  for (std::size_t i = 0; i < weights.size(); ++i) graph.edges[i].weight = 1.0 + static_cast<double>(weights[i]);
  return graph;
}

/// Each pair, in lexicographic order, is an edge where `chosen` says so.
Graph of_pairs(Node n, const std::function<bool(Node, Node)>& chosen) {
  Graph graph{n, {}};
  for (Node u = 0; u < n; ++u)
    for (Node v = u + 1; v < n; ++v)
      if (chosen(u, v)) graph.edges.push_back({u, v, 0});
  return graph;
}

Graph coins_for_pairs(Node n, double p, SplitMix64& random) {
  Graph graph{n, {}};
  for (Node u = 0; u < n; ++u)
    for (Node v = u + 1; v < n; ++v)
      if (random.uniform() < p) graph.edges.push_back({u, v, 0});
  return graph;
}

bool surely_diameter_two(Node n, double p) { return n > 60 && p > 2.2 * std::sqrt(2 * std::log(n) / n); }

Graph erdos_renyi(Node n, std::uint64_t seed) {
  for (SplitMix64 random(seed);;) {
    const double p = random.uniform();
    if (surely_diameter_two(n, p)) continue;
    Graph graph = coins_for_pairs(n, p, random);
    if (!has_diameter_three(graph)) continue;
    draw_weights(graph, random);
    return graph;
  }
}

Graph erdos_renyi(const std::string& name, Node n, double p, std::uint64_t seed) {
  SplitMix64 random(seed);
  for (int i = 0; i < most_tries; ++i) {
    Graph graph = coins_for_pairs(n, p, random);
    if (unconnected(graph)) continue;
    draw_weights(graph, random);
    return graph;
  }
  throw Failure(Exit::usage, "graph '" + name + "': none of " + std::to_string(most_tries) +
                                 " draws was connected; choose a larger p: connected graphs begin about ln(n)/n = " +
                                 brief(std::log(n) / n));
}

Graph path(Node n) {
  Graph graph{n, {}};
  for (Node v = 1; v < n; ++v) graph.edges.push_back({v - 1, v, 0});
  return graph;
}

Graph path_with_chords(Node n, std::uint64_t seed) {
  SplitMix64 random(seed);
  const auto light = random.permutation(n - 1);
  double heavy = n;
  Graph graph = of_pairs(n, [&](Node u, Node v) { return v == u + 1 || random.uniform() < 0.3; });
  for (Edge& edge : graph.edges)
    edge.weight = edge.v == edge.u + 1 ? 1.0 + static_cast<double>(light[edge.u]) : heavy++;
  return graph;
}

Graph ring(Node n) {
  Graph graph = path(n);
  if (n > 2) graph.edges.push_back({0, n - 1, 0});
  return graph;
}

Graph star(Node n) {
  Graph graph{n, {}};
  for (Node v = 1; v < n; ++v) graph.edges.push_back({0, v, 0});
  return graph;
}

Graph grid(Node rows, Node columns) {
  Graph graph{rows * columns, {}};
  for (Node v = 0; v < graph.nodes; ++v) {
    if (v % columns + 1 < columns) graph.edges.push_back({v, v + 1, 0});
    if (v + columns < graph.nodes) graph.edges.push_back({v, v + columns, 0});
  }
  return graph;
}

/// What a generator is asked for, as it was written.
struct Request {
  std::string name;
  Words words;
  std::uint64_t seed;

  Node size(Node least, Node most) const { return number<Node>(name, words[1], "the number of nodes", least, most); }
};

Graph make_erdos_renyi(const Request& of) {
  if (of.words.size() == 2) return erdos_renyi(of.size(4, most_nodes_of_pairs), of.seed);
  const double p = number<double>(of.name, of.words[2], "p", 0, 1);
  return erdos_renyi(of.name, of.size(1, most_nodes_of_pairs), p, of.seed);
}

Graph make_grid(const Request& of) {
  const Node rows = number<Node>(of.name, of.words[1], "the number of rows", 1, 1000),
             columns = number<Node>(of.name, of.words[2], "the number of columns", 1, 1000);
  return with_permuted_weights(grid(rows, columns), of.seed);
}

template <Graph (*make)(Node)>
Graph sized(const Request& of) {
  return with_permuted_weights(make(of.size(1, most_nodes)), of.seed);
}

Graph make_complete(const Request& of) {
  return with_permuted_weights(of_pairs(of.size(1, most_nodes_of_pairs), [](Node, Node) { return true; }), of.seed);
}

struct Generator {
  const char* name;
  const char* form;
  std::size_t least_words, most_words;
  Graph (*make)(const Request&);
};

constexpr Generator generators[] = {
    {"er", "er:N or er:N:P", 2, 3, make_erdos_renyi},
    {"path", "path:N", 2, 2, sized<path>},
    {"path+chords", "path+chords:N", 2, 2,
     [](const Request& of) { return path_with_chords(of.size(1, most_nodes_of_pairs), of.seed); }},
    {"ring", "ring:N", 2, 2, sized<ring>},
    {"star", "star:N", 2, 2, sized<star>},
    {"complete", "complete:N", 2, 2, make_complete},
    {"grid", "grid:R:C", 3, 3, make_grid},
};

[[noreturn]] void refuse_unknown(const std::string& name, const std::string& word) {
  std::vector<std::string> known;
  for (const Generator& generator : generators) known.emplace_back(generator.name);
  throw Failure(Exit::usage, "there is no file '" + name + "', and no generator '" + word + "'" +
                                 suggestion(word, known) + "; generators: " + generator_names());
}

}  // namespace

bool is_generator(const std::string& name) {
  const std::size_t colon = name.find(':');
  return colon != std::string::npos && colon > 0 &&
         std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '+'; });
}

Graph generate(const std::string& name, std::uint64_t seed) {
  const Request request{name, split(name), seed};
  const auto generator = std::find_if(std::begin(generators), std::end(generators),
                                      [&](const Generator& one) { return one.name == request.words[0]; });
  if (generator == std::end(generators)) refuse_unknown(name, request.words[0]);
  if (request.words.size() < generator->least_words || request.words.size() > generator->most_words)
    throw Failure(Exit::usage, "graph '" + name + "': expected " + generator->form);
  return generator->make(request);
}

const char* generator_names() { return "er:N, er:N:P, path:N, path+chords:N, ring:N, star:N, complete:N, grid:R:C"; }

}  // namespace threepc::graph
