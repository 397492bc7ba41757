// The spanning tree of measured links that is best at what somebody wants of it.
#pragma once

#include <array>
#include <string_view>

#include "graph/link_costs.hpp"

namespace threepc::graph {

/// slowest-link  no spanning tree has a lighter heaviest edge, by bandwidth
/// depth         no node is nearer to the root in any tree, by latency
/// cost          no spanning tree has a smaller sum, by cost
inline constexpr std::array<const char*, 3> objectives = {"slowest-link", "depth", "cost"};

/// What the links are compared by; `objective` is one of the above.
Quantity quantity_for(std::string_view objective);

/// `links` is connected and root < links.nodes. The root and fan_out, the most children of a node (0: any number), are
/// of "depth" alone, which throws Failure(Exit::data) where the bound leaves a node without a place.
Graph spanning_tree(Graph links, std::string_view objective, Node root, Node fan_out);

}  // namespace threepc::graph
