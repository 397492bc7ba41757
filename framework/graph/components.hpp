// Components that grow together: union and find, with halving of paths.
#pragma once

#include <numeric>
#include <vector>

#include "graph/graph.hpp"

namespace threepc::graph {

class Components {
 public:
  explicit Components(Node nodes) : root_(nodes) { std::iota(root_.begin(), root_.end(), Node{0}); }

  Node of(Node v) {
    while (root_[v] != v) v = root_[v] = root_[root_[v]];
    return v;
  }

  /// Whether they were apart.
  bool join(Node u, Node v) {
    const Node a = of(u), b = of(v);
    root_[a] = b;
    return a != b;
  }

 private:
  std::vector<Node> root_;
};

}  // namespace threepc::graph
