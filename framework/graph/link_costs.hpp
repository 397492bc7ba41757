// What the link between any two members costs, as measured: links.csv.
#pragma once

#include <string>

#include "graph/graph.hpp"

namespace threepc::graph {

enum class Quantity {
  cost,       // column "cost"
  latency,    // column "latency"
  bandwidth,  // column "bandwidth"; an edge weighs 1/bandwidth, so that a slow link is a heavy one
};

/// The complete graph of the members. `file` is one of
///   a table   its first line names the columns: from, to, and any of cost, latency, bandwidth; a line for each link,
///             in one direction or both
///   a matrix  line i, field j: the cost of the link from i to j; the diagonal is not looked at
/// A link has the larger weight of its two directions, because what goes up a tree also comes down. A quantity that the
/// file lacks is replaced by the cost (`used` says which it was). At most `bound` members, whose numbers lie below it.
/// Throws Failure(Exit::data), naming line or pair: for a number that is negative or not finite, for a bandwidth of
/// zero, and for a pair of members without a value.
Graph read_link_costs(const std::string& file, Quantity wanted, Quantity& used, Node bound = most_nodes_of_pairs);

const char* name_of(Quantity quantity);

}  // namespace threepc::graph
