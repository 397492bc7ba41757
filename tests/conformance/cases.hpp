// What the conformance suites run on: parameter sets for every plugin, and the catalog they are looked up in.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "plugin/catalog.hpp"
#include "plugin/instances.hpp"
#include "plugin/spec.hpp"

namespace threepc::conformance {

/// A plugin by name, as a configuration would nest it.
struct Request {
  std::string id;
  std::map<std::string, Value> values = {};
  std::multimap<std::string, Request> children = {};  // by slot, in order where a slot is repeated
};

/// The plugins of the build tree.
const Catalog& catalog();

/// Defaults filled in; fails the test process for a key or a child that the plugin does not have.
PluginSpec resolve(tpc_kind kind, const Request& request);

/// A vector of dim coordinates as a nearly square matrix and a vector of what is left.
std::vector<tpc::Block> layers(std::uint32_t dim);

struct CompressorCase {
  const char* label;
  Request request;
  bool random;                                 // draws random numbers for this parameter set
  std::uint64_t (*values)(std::uint32_t dim);  // that a payload carries
  bool fewer = false;                          // a payload may carry fewer, as it comes
  bool layered = false;                        // wants layers(dim) in place of one vector
};

struct MechanismCase {
  const char* label;
  Request request;
  bool theory = true;  // declares A and B
};

const std::vector<CompressorCase>& compressor_cases();
const std::vector<MechanismCase>& mechanism_cases();

}  // namespace threepc::conformance
