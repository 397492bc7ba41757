#include "graph/link_costs.hpp"

#include <algorithm>
#include <cmath>

#include "graph/text_lines.hpp"
#include "nearest.hpp"

namespace threepc::graph {
namespace {

using Fields = std::vector<std::string_view>;

/// In one direction.
struct Measured {
  Node from, to;
  double weight;

  std::pair<Node, Node> ends() const { return std::minmax(from, to); }
  bool operator<(const Measured& other) const { return std::pair(ends(), from) < std::pair(other.ends(), other.from); }
};

/// A field without a number, which the other direction may make up for.
struct Hole {
  std::pair<Node, Node> ends;
  std::size_t line;
};

struct Measurements {
  Node members = 0;
  std::vector<Measured> links;
  std::vector<Hole> holes;

  void add(Node from, Node to, double weight) {
    name(from, to);
    if (from != to) links.push_back({from, to, weight});
  }
  void miss(Node from, Node to, std::size_t line) {
    name(from, to);
    holes.push_back({std::minmax({from, to}), line});
  }

 private:
  void name(Node from, Node to) { members = std::max({members, from + 1, to + 1}); }
};

std::string between(Node u, Node v) { return std::to_string(u) + " and " + std::to_string(v); }

/// Where the columns of a table are.
struct Columns {
  std::size_t from, to, value, count;
  Quantity quantity;
};

std::vector<std::string> names_in(const TextLines& lines) {
  std::vector<std::string> names;
  for (const auto field : fields_of(lines.text())) names.emplace_back(field);
  return names;
}

/// A line of them at most, whatever the file has.
std::string in_words(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 200;
  const std::string all = listed(names);
  return all.size() <= shown ? all : all.substr(0, shown) + "...";
}

Columns columns_of(const TextLines& lines, Quantity wanted) {
  const std::vector<std::string> names = names_in(lines);
  const auto at = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const Quantity quantity = at(name_of(wanted)) < names.size() ? wanted : Quantity::cost;
  const Columns columns{at("from"), at("to"), at(name_of(quantity)), names.size(), quantity};
  if (columns.to == names.size()) throw lines.fault("expected a column 'to'; the columns are " + in_words(names));
  if (columns.value == names.size())
    throw lines.fault(std::string("expected a column '") + name_of(wanted) +
                      (wanted == Quantity::cost ? "'" : "' or 'cost'") + "; the columns are " + in_words(names));
  return columns;
}

double weight_of(const TextLines& lines, std::string_view field, Quantity quantity) {
  const double value = lines.weight(field);
  if (quantity != Quantity::bandwidth) return value;
  if (!std::isfinite(1 / value))
    throw lines.fault("a bandwidth is above 0; for a link that does not work give a very small one");
  return 1 / value;
}

Measurements read_table(TextLines& lines, const Columns& columns, Node bound) {
  Measurements all;
  while (lines.next()) {
    const Fields fields = fields_of(lines.text());
    if (fields.size() != columns.count)
      throw lines.fault("expected " + std::to_string(columns.count) + " fields, as in the first line, got " +
                        std::to_string(fields.size()));
    const Node from = lines.node(fields[columns.from], bound), to = lines.node(fields[columns.to], bound);
    if (fields[columns.value].empty())
      all.miss(from, to, lines.number());
    else
      all.add(from, to, weight_of(lines, fields[columns.value], columns.quantity));
  }
  return all;
}

void read_row(const TextLines& lines, Node row, const Fields& fields, Measurements& all) {
  for (Node column = 0; column < fields.size(); ++column)
    if (fields[column].empty())
      all.miss(row, column, lines.number());
    else if (column != row)
      all.add(row, column, lines.weight(fields[column]));
}

/// `lines` is at its first row.
Measurements read_matrix(const std::string& file, TextLines& lines, Node bound) {
  Measurements all;
  const std::size_t size = fields_of(lines.text()).size();
  if (size > bound) throw lines.fault(std::to_string(size) + " members are too many; at most " + std::to_string(bound));
  all.members = static_cast<Node>(size);
  Node row = 0;
  do {
    const Fields fields = fields_of(lines.text());
    if (fields.size() != size || row == size)
      throw lines.fault("expected a matrix of " + std::to_string(size) + " rows and columns, got row " +
                        std::to_string(row) + " with " + std::to_string(fields.size()) +
                        " fields; a table begins with the line from,to,cost");
    read_row(lines, row++, fields, all);
  } while (lines.next());
  if (row < size)
    throw Failure(Exit::data, file + ": expected a matrix of " + std::to_string(size) + " rows and columns, got " +
                                  std::to_string(row) + " rows");
  return all;
}

/// One edge of each pair, the worse of its directions.
Graph undirected(const std::string& file, Measurements& all) {
  std::sort(all.links.begin(), all.links.end());
  Graph graph{all.members, {}};
  for (std::size_t i = 0; i < all.links.size(); ++i) {
    const Measured& link = all.links[i];
    const auto [u, v] = link.ends();
    const bool second = i > 0 && all.links[i - 1].ends() == link.ends();
    if (second && all.links[i - 1].from == link.from)
      throw Failure(Exit::data, file + ": the link from " + std::to_string(link.from) + " to " +
                                    std::to_string(link.to) + " is there twice; keep one line");
    if (second)
      graph.edges.back().weight = std::max(graph.edges.back().weight, link.weight);
    else
      graph.edges.push_back({u, v, link.weight});
  }
  return graph;
}

/// "FILE:LINE" where the pair is there without a value, FILE where it is not there.
std::string place_of(const std::string& file, std::pair<Node, Node> ends, const std::vector<Hole>& holes) {
  const auto hole = std::find_if(holes.begin(), holes.end(), [&](const Hole& one) { return one.ends == ends; });
  return hole == holes.end() ? file : file + ":" + std::to_string(hole->line);
}

void require_complete(const std::string& file, const Graph& graph, const std::vector<Hole>& holes) {
  auto at = graph.edges.begin();
  for (Node u = 0; u < graph.nodes; ++u)
    for (Node v = u + 1; v < graph.nodes; ++v, ++at)
      if (at == graph.edges.end() || at->u != u || at->v != v)
        throw Failure(Exit::data, place_of(file, {u, v}, holes) + ": the link between " + between(u, v) +
                                      " has no value; of " +
                                      std::to_string(std::size_t{graph.nodes} * (graph.nodes - 1) / 2) +
                                      " pairs of members " + std::to_string(graph.edges.size()) +
                                      " have one; every pair needs one, in one direction at least");
}

}  // namespace

const char* name_of(Quantity quantity) {
  static constexpr const char* names[] = {"cost", "latency", "bandwidth"};
  return names[static_cast<int>(quantity)];
}

Graph read_link_costs(const std::string& file, Quantity wanted, Quantity& used, Node bound) {
  TextLines lines(file);
  if (!lines.next())
    throw Failure(Exit::data, file + ": expected a table from,to,cost or a matrix of costs, seen nothing");
  used = Quantity::cost;
  Measurements all;
  const std::vector<std::string> names = names_in(lines);
  if (std::find(names.begin(), names.end(), "from") == names.end()) {
    all = read_matrix(file, lines, bound);
  } else {
    const Columns columns = columns_of(lines, wanted);
    used = columns.quantity;
    all = read_table(lines, columns, bound);
  }
  const Graph graph = undirected(file, all);
  require_complete(file, graph, all.holes);
  if (graph.nodes == 0) throw Failure(Exit::data, file + ": there is no link in it");
  return graph;
}

}  // namespace threepc::graph
