// A graph as a command line names it.
#pragma once

#include <cstdint>
#include <string>

#include "graph/graph.hpp"

namespace threepc::graph {

/// The edge list in the file `name`, or, where there is none of that name, what the generator makes of the seed.
/// Throws Failure.
Graph load(const std::string& name, std::uint64_t seed);

/// Whether load() would generate it, so that another seed is another graph.
bool depends_on_seed(const std::string& name);

}  // namespace threepc::graph
