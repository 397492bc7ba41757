#include "graph/load.hpp"

#include <filesystem>

#include "failure.hpp"
#include "graph/edge_list.hpp"
#include "graph/generators.hpp"

namespace threepc::graph {
namespace {

/// One that may not be looked at counts as there: reading it says why not.
bool exists(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::status(file, ignored).type() != std::filesystem::file_type::not_found;
}

}  // namespace

bool depends_on_seed(const std::string& name) { return !exists(name) && is_generator(name); }

Graph load(const std::string& name, std::uint64_t seed) {
  if (depends_on_seed(name)) return generate(name, seed);
  if (!exists(name))
    throw Failure(Exit::data, "there is no file '" + name +
                                  "'; a graph is a file with a line 'u v w' for each edge, or one of " +
                                  generator_names());
  return read_edge_list(name);
}

}  // namespace threepc::graph
