#include "config/topology.hpp"

#include <threepc/draft/topology.h>

#include <string>

#include "config/everybody.hpp"
#include "config/keys.hpp"
#include "plugin/peer_method.hpp"

namespace threepc {
namespace {

constexpr const char* star = "star";

/// "push-diging, push-sum": the optimizers that are methods of peers.
std::string peer_methods(const Catalog& catalog) {
  std::string out;
  for (const Entry& entry : catalog.entries()) {
    PluginSpec spec;
    spec.descriptor = entry.descriptor;
    if (entry.descriptor->kind == TPC_OPTIMIZER && find_peers(spec) != nullptr)
      out += (out.empty() ? "" : ", ") + std::string(entry.descriptor->id);
  }
  return out.empty() ? "none" : out;
}

void require_peers(Section optimizer, const RunConfig& config, const ResolveContext& context) {
  if (find_peers(config.optimizer) != nullptr) return;
  const std::string text =
      std::string("the optimizer '") + config.optimizer.descriptor->id +
      "' makes the step of a server, and on a graph there is none; use one of: " + peer_methods(context.catalog);
  const Node* const named = optimizer.take("plugin");
  if (named != nullptr) optimizer.wrong(*named, "plugin", text);
  throw Failure(Exit::usage, context.file + ": [topology]: " + text);
}

void require_star(Section optimizer, const RunConfig& config) {
  if (find_peers(config.optimizer) != nullptr)
    optimizer.wrong(*optimizer.take("plugin"), "plugin",
                    std::string("'") + config.optimizer.descriptor->id +
                        "' is a method of peers on a graph; add a table [topology], with plugin = \"exponential\", "
                        "say, or use an optimizer for a server, such as gd");
  refuse(optimizer, "consensus", "is of methods of peers, with a table [topology]");
}

void require_stepsize(Section optimizer, const RunConfig& config, const ResolveContext& context) {
  if (config.stepsize) return;
  const std::string text = "no theory is known for compressed methods on directed graphs; give a number";
  const Node* const named = optimizer.take("stepsize");
  if (named != nullptr) optimizer.wrong(*named, "stepsize", text);
  throw Failure(Exit::usage, context.file + ": [optimizer] needs the key 'stepsize': " + text);
}

void refuse_what_needs_a_server(Section& root, const RunConfig& config) {
  refuse(root.child("downlink"), "plugin", "a graph has no downlink: the mechanism compresses what every worker says");
  refuse(root.child("downlink"), "of", "a graph has no downlink: the mechanism compresses what every worker says");
  Section run = root.child("run");
  if (config.measure) refuse(run, "measure", "compares what a server knows, and on a graph there is none");
  if (config.evaluate == Evaluate::bound)
    refuse(run, "evaluate", "\"bound\" needs a server's g; use \"exact\" or \"off\" on a graph");
}

}  // namespace

void read_topology(Section& root, RunConfig& config, const ResolveContext& context) {
  Section section = root.child("topology");
  Section optimizer = root.child("optimizer");
  const Node* const plugin = section.take("plugin");
  const auto* const name = plugin == nullptr ? nullptr : std::get_if<std::string>(&plugin->value);
  if (section.origin().empty() || (name != nullptr && *name == star)) {
    section.refuse_unknown(std::string("the topology '") + star + "'");
    return require_star(optimizer, config);
  }
  read_host_keys(section, config);
  config.topology = resolve_plugin(section, TPC_TOPOLOGY, nullptr, context);
  require_peers(optimizer, config, context);
  require_stepsize(optimizer, config, context);
  refuse_what_needs_a_server(root, config);
  require_everybody(root, config, "on a graph",
                    "would have neighbours mix with what a lost worker said last, and what they give away is lost");
}

}  // namespace threepc
