// Graphs that are named rather than read: "er:446", "ring:8".
#pragma once

#include <cstdint>
#include <string>

#include "graph/graph.hpp"

namespace threepc::graph {

/// Whether `name` has the form of a generator's, NAME:..., known or not.
bool is_generator(const std::string& name);

/// A connected graph with distinct integer weights, a function of name and seed alone:
///   er:N          Erdős-Rényi with p uniform in (0, 1), drawn again until connected with diameter exactly 3 (N >= 4):
///   the
///                 instances of the published measurements. Beyond N = 60, p so large that the diameter is 2 but for a
///                 negligible chance is drawn again without drawing the graph.
///   er:N:P        Erdős-Rényi with this p, drawn again until connected
///   path:N        0 - 1 - ... - N-1
///   path+chords:N the same, and any other pair with probability 0.3 and a larger weight: its minimum spanning tree is
///   the
///                 path, though few hops lead everywhere
///   ring:N  star:N  complete:N  grid:R:C
/// Throws Failure(Exit::usage) for a name that is none of these, a size that is out of range, or a p with which no
/// graph of a hundred is connected.
Graph generate(const std::string& name, std::uint64_t seed);

/// A line for each, for people who ask what there is.
const char* generator_names();

}  // namespace threepc::graph
