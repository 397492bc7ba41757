#include "graph/trees.hpp"

#include <algorithm>
#include <queue>
#include <string>

#include "failure.hpp"
#include "graph/components.hpp"

namespace threepc::graph {
namespace {

using Edges = std::span<Edge>;

constexpr std::size_t sorted_at_once = 4096;

bool by_ends(const Edge& a, const Edge& b) { return std::pair(a.u, a.v) < std::pair(b.u, b.v); }

class FilteredKruskal {
 public:
  explicit FilteredKruskal(Node nodes) : nodes_(nodes), components_(nodes) {}

  /// The edges of the tree among these, given that all lighter ones have been looked at.
  void add(Edges edges) {
    if (complete()) return;
    if (edges.size() <= sorted_at_once) return add_sorted(edges);
    const auto middle = edges.begin() + static_cast<std::ptrdiff_t>(edges.size() / 2);
    std::nth_element(edges.begin(), middle, edges.end());
    add({edges.begin(), middle});
    add({middle, std::partition(middle, edges.end(), [this](const Edge& edge) { return is_between(edge); })});
  }

  std::vector<Edge> take() {
    std::sort(tree_.begin(), tree_.end(), by_ends);
    return std::move(tree_);
  }

 private:
  bool complete() const { return tree_.size() + 1 >= nodes_; }
  bool is_between(const Edge& edge) { return components_.of(edge.u) != components_.of(edge.v); }

  void add_sorted(Edges edges) {
    std::sort(edges.begin(), edges.end());
    for (const Edge& edge : edges)
      if (components_.join(edge.u, edge.v)) tree_.push_back(edge);
  }

  Node nodes_;
  Components components_;
  std::vector<Edge> tree_;
};

/// A node of the growing tree, and the nearest of those that it might still take as a child.
struct Offer {
  double distance;  // of the child from the root
  Node parent;
  std::size_t place;  // of the child among the parent's links, sorted

  bool operator>(const Offer& other) const {
    return std::pair(distance, parent) > std::pair(other.distance, other.parent);
  }
};

/// Nodes join in the order of their distance from the root; each has one offer in the queue, for its nearest link.
class GrowingTree {
 public:
  GrowingTree(const Graph& graph, Node fan_out)
      : links_(graph), fan_out_(fan_out == 0 ? graph.nodes : fan_out), members_(graph.nodes) {}

  std::vector<Edge> grow(Node root) {
    for (join(root, 0); !offers_.empty();) {
      const Offer offer = offers_.top();
      offers_.pop();
      take(offer);
    }
    std::sort(tree_.begin(), tree_.end(), by_ends);
    return std::move(tree_);
  }

  bool holds(Node v) const { return members_[v].joined; }

 private:
  struct Member {
    bool joined = false;
    Node children = 0;
    double distance = 0;
    std::vector<Link> links;  // the nearest first, until it has all its children
  };

  void take(const Offer& offer) {
    Member& parent = members_[offer.parent];
    const Link link = parent.links[offer.place];
    if (!members_[link.node].joined) {
      tree_.push_back({std::min(offer.parent, link.node), std::max(offer.parent, link.node), link.weight});
      ++parent.children;
      join(link.node, offer.distance);
    }
    offer_next(offer.parent, offer.place + 1);
  }

  void join(Node v, double distance) {
    const auto links = links_.of(v);
    members_[v] = {true, 0, distance, {links.begin(), links.end()}};
    std::stable_sort(members_[v].links.begin(), members_[v].links.end(),
                     [](const Link& a, const Link& b) { return a.weight < b.weight; });
    offer_next(v, 0);
  }

  void offer_next(Node v, std::size_t place) {
    Member& member = members_[v];
    while (place < member.links.size() && members_[member.links[place].node].joined) ++place;
    if (place == member.links.size() || member.children == fan_out_) return std::vector<Link>().swap(member.links);
    offers_.push({member.distance + member.links[place].weight, v, place});
  }

  Links links_;
  Node fan_out_;
  std::vector<Member> members_;
  std::vector<Edge> tree_;
  std::priority_queue<Offer, std::vector<Offer>, std::greater<>> offers_;
};

struct Place {
  Node node, parent, hops;
  double distance;
};

}  // namespace

std::vector<Edge> kruskal(Node nodes, std::vector<Edge> edges) {
  FilteredKruskal tree(nodes);
  tree.add(edges);
  return tree.take();
}

std::vector<Edge> shortest_paths(const Graph& graph, Node root, Node fan_out) {
  GrowingTree growing(graph, fan_out);
  std::vector<Edge> tree = growing.grow(root);
  for (Node v = 0; v < graph.nodes; ++v)
    if (!growing.holds(v))
      throw Failure(Exit::data, "node " + std::to_string(v) + " cannot be reached from node " + std::to_string(root) +
                                    (fan_out == 0 ? "; a spanning tree needs a connected graph"
                                                  : " with at most " + std::to_string(fan_out) +
                                                        " children a node; allow more with --fan-out"));
  return tree;
}

TreeShape shape(const Graph& tree, Node root) {
  TreeShape of;
  of.total = total_weight(tree.edges);
  if (!tree.edges.empty()) of.slowest = *std::max_element(tree.edges.begin(), tree.edges.end());
  const Links links(tree);
  std::vector<Place> open = {{root, root, 0, 0}};
  while (!open.empty()) {
    const Place at = open.back();
    open.pop_back();
    of.depth = std::max(of.depth, at.hops);
    of.distance = std::max(of.distance, at.distance);
    of.fan_out = std::max(of.fan_out, static_cast<Node>(links.degree(at.node) - (at.node == root ? 0 : 1)));
    for (const Link& link : links.of(at.node))
      if (link.node != at.parent) open.push_back({link.node, at.node, at.hops + 1, at.distance + link.weight});
  }
  return of;
}

}  // namespace threepc::graph
