// Which worker holds which nodes of a graph.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "node_graph.hpp"

inline constexpr std::array<const char*, 3> partition_names = {"bfs", "contiguous", "file"};

struct PartitionOptions : GraphOptions {
  std::string_view partition = "bfs";
  std::optional<tpc::Path> owners;
};

/// Node by node its worker; every worker has one node at least. The same on every worker, from the run's seed.
///
/// bfs: each worker begins at a node of its own, all different and drawn at random, and takes in turn the oldest free
/// one of the neighbours of what it has; nodes that nobody reaches go, ascending, to whoever has fewest. contiguous:
/// equal runs of nodes. file: a worker a line, in the order of the nodes.
///
/// Throws tpc::BadParameter for fewer nodes than workers, TPC_CORRUPT for a file that does not fit the graph.
std::vector<std::uint32_t> partition_of(const NodeGraph& graph, const PartitionOptions& options,
                                        const tpc::Setup& setup);
