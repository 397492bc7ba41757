#include "config/aggregation.hpp"

#include <threepc/draft/aggregator.h>

#include <string>

#include "config/everybody.hpp"
#include "plugin/aggregator.hpp"
#include "plugin/streams.hpp"

namespace threepc {
namespace {

constexpr const char* mean = "mean";

/// The rule knows how many workers it can do with.
void require_workers(const RunConfig& config) {
  const Aggregator rule(*config.rule, {config.dtype, 0, config.workers, TPC_SERVER, config.seed}, streams::aggregation);
  rule.begin(config.workers);
}

void require_stepsize(Section optimizer, const RunConfig& config, const ResolveContext& context) {
  if (config.stepsize) return;
  const std::string text = std::string("theory is known for the mean of the workers' g_i, and not for the rule '") +
                           config.rule->descriptor->id + "'; give a number";
  const Node* const named = optimizer.take("stepsize");
  if (named != nullptr) optimizer.wrong(*named, "stepsize", text);
  throw Failure(Exit::usage, context.file + ": [optimizer] needs the key 'stepsize': " + text);
}

}  // namespace

void read_aggregation(Section& root, RunConfig& config, const ResolveContext& context) {
  Section section = root.child("aggregation");
  const Node* const rule = section.take("rule");
  const auto* const name = rule == nullptr ? nullptr : std::get_if<std::string>(&rule->value);
  if (section.origin().empty() || (name != nullptr && *name == mean))
    return section.refuse_unknown(std::string("the rule '") + mean + "'");
  if (config.topology && rule != nullptr)
    section.wrong(*rule, "rule", "is what a server makes of what its workers say, and on a graph there is none");
  config.rule = resolve_plugin(section, TPC_AGGREGATOR, nullptr, context);
  require_workers(config);
  require_stepsize(root.child("optimizer"), config, context);
  if (config.evaluate == Evaluate::bound)
    refuse(root.child("run"), "evaluate", "\"bound\" is about the mean of the workers' g_i; use \"exact\" or \"off\"");
}

}  // namespace threepc
