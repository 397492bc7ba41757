#include "config/run_config.hpp"

#include <algorithm>
#include <filesystem>

#include "config/aggregation.hpp"
#include "config/document.hpp"
#include "config/everybody.hpp"
#include "config/keys.hpp"
#include "config/resolve.hpp"
#include "config/section.hpp"
#include "config/topology.hpp"
#include "failure.hpp"
#include "plugin/kinds.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

/// A name is part of a path that the user did not write.
void check_name(Section& section, const std::string& name) {
  const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
  if (!plain) section.wrong(*section.take("name"), "name", "expected a name without '/', got '" + excerpt(name) + "'");
}

/// What needs the true gradient of every worker.
void require_evaluation(Section& section, Section& stop, const RunConfig& config) {
  const auto refuse = [&](Section& at, const char* key, const std::string& what) {
    at.wrong(*at.take(key), key,
             what + ", but run.evaluate = \"" + (config.evaluate == Evaluate::off ? "off" : "bound") + "\"");
  };
  if (config.evaluate != Evaluate::exact && config.measure)
    refuse(section, "measure", "compares with the true gradient");
  if (config.evaluate != Evaluate::off) return;
  if (config.stop.grad_norm) refuse(stop, "grad_norm", "is a rule about the gradient");
  if (config.stop.grad_norm_sq) refuse(stop, "grad_norm_sq", "is a rule about the gradient");
}

void read_run(Section section, RunConfig& config) {
  read_host_keys(section, config);
  if (section.take("name") == nullptr) config.name = fs::path(config.file).stem().string();
  if (section.take("name") != nullptr) check_name(section, config.name);
  if (section.take("out") == nullptr) config.out = "runs/" + config.name;
  if (config.out.empty()) section.wrong(*section.take("out"), "out", "expected the name of a folder, got \"\"");
  Section stop = section.child("stop");
  read_host_keys(stop, config);
  stop.refuse_unknown();
  section.refuse_unknown();
  require_evaluation(section, stop, config);
}

/// Of a table that has no plugin.
void read_table(Section section, RunConfig& config) {
  read_host_keys(section, config);
  section.refuse_unknown();
}

/// Without a mechanism nothing is lost, and there is only `replay` to decide.
void read_downlink(Section section, RunConfig& config, const ResolveContext& context) {
  DownlinkConfig& downlink = config.downlink;
  const auto of = section.choice("of", {"model", "gradient"});
  const Node* const replay = section.take("replay");
  read_host_keys(section, config);
  const Node* const plugin = section.take("plugin");
  if (!of && plugin == nullptr) return section.refuse_unknown();
  if (!of)
    section.wrong(*plugin, "plugin",
                  "needs of = \"model\" or of = \"gradient\" beside it: what the mechanism compresses on its way down");
  if (replay != nullptr)
    section.wrong(*replay, "replay", "belongs to a downlink without a mechanism; remove it, or 'of' and 'plugin'");
  downlink.of = *of == "model" ? DownlinkConfig::Of::model : DownlinkConfig::Of::gradient;
  downlink.mechanism = resolve_plugin(section, TPC_MECHANISM, nullptr, context);
  const bool replayable = (config.optimizer.descriptor->capabilities & TPC_REPLAYABLE) != 0;
  if (downlink.of == DownlinkConfig::Of::gradient && !replayable)
    section.wrong(
        *section.take("of"), "of",
        std::string("\"gradient\" needs an optimizer whose steps workers can make with the same bits, and '") +
            config.optimizer.descriptor->id + "' does not say that of itself; use \"model\", or another optimizer");
}

void read_plugin_path(Section section, RunConfig& config, const fs::path& folder) {
  for (const Node* item : section.list("path")) {
    const auto* text = std::get_if<std::string>(&item->value);
    if (text == nullptr)
      section.wrong(*item, "path", std::string("expected a list of strings, got ") + item->type_name());
    const fs::path base = item->on_command_line ? fs::current_path() : folder;
    const fs::path path = (base / *text).lexically_normal();
    if (!fs::is_directory(path)) section.wrong(*item, "path", "there is no folder " + path.string());
    config.plugin_path.push_back(path.string());
  }
  section.refuse_unknown();
}

void check_schedule(Section& section, const Schedule& schedule) {
  if (schedule.decay_every > 0) return;
  if (schedule.kind == Schedule::Kind::step)
    section.wrong(*section.take("schedule"), "schedule", "\"step\" needs decay_every = rounds between two decays");
  if (schedule.kind == Schedule::Kind::inverse)
    section.wrong(*section.take("schedule"), "schedule", "\"inverse\" needs decay_every = rounds until it is halved");
}

/// Who changes the transport on the command line changes that alone: what the file says about another transport, such
/// as its port, is no mistake then.
void pass_over_replaced(Section& transport, const Catalog& catalog) {
  const Node* plugin = transport.take("plugin");
  if (plugin == nullptr || !plugin->on_command_line) return;
  for (const Offer& offer : catalog.offers())
    if (offer.kind == TPC_TRANSPORT)
      for (const std::string& key : offer.keys) transport.take(key);
}

void read_plugins(Section& root, RunConfig& config, const ResolveContext& context) {
  Section problem = root.child("problem");
  config.problem = resolve_plugin(problem, TPC_PROBLEM, nullptr, context);

  Section mechanism = root.child("mechanism");
  read_host_keys(mechanism, config);
  config.mechanism = resolve_plugin(mechanism, TPC_MECHANISM, nullptr, context);

  Section optimizer = root.child("optimizer");
  read_host_keys(optimizer, config);
  if (config.mu && config.stepsize)
    optimizer.wrong(*optimizer.take("mu"), "mu", "is used by stepsize = \"theory\" only; remove one of the two");
  check_schedule(optimizer, config.schedule);
  config.optimizer = resolve_plugin(optimizer, TPC_OPTIMIZER, "gd", context);

  Section transport = root.child("transport");
  pass_over_replaced(transport, context.catalog);
  read_host_keys(transport, config);
  config.transport = resolve_plugin(transport, TPC_TRANSPORT, "inproc", context);
}

/// A worker that is a thread cannot end or stop alone.
void refuse_injections(const RunConfig& config) {
  for (const Injection& injection : config.faults.inject)
    if (config.topology && injection.kind == Injection::Kind::attack)
      throw Failure(Exit::usage, config.file +
                                     ": faults.inject: an attack is on a server's rule, and on a graph there " +
                                     "is none; leave it or [topology] out");
  const bool threads = (config.transport.descriptor->capabilities & TPC_IN_PROCESS) != 0;
  for (const Injection& injection : config.faults.inject)
    if (threads && injection.worker != Injection::the_server &&
        (injection.kind == Injection::Kind::kill || injection.kind == Injection::Kind::stop))
      throw Failure(Exit::usage, config.file + ": faults.inject: with the transport '" +
                                     config.transport.descriptor->id +
                                     "' workers are threads, which cannot be killed or " +
                                     "stopped alone; use --set transport.plugin=tcp");
}

/// "key = value" lines under [table] headers; the same walk serves config.toml and agreement().
class Lines {
 public:
  explicit Lines(bool headers) : headers_(headers) {}

  void table(const std::string& place) {
    place_ = place;
    if (!headers_) return;
    if (!lines_.empty()) lines_.emplace_back();
    lines_.push_back(header(place));
  }
  void add(const std::string& key, const Value& value) { add_text(key, to_toml_text(value)); }
  void add_text(const std::string& key, const std::string& text) {
    lines_.push_back((headers_ ? "" : place_ + ".") + key + " = " + text);
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  /// "mechanism.level[1]" is an element of [[mechanism.level]], and what follows belongs to the last element.
  static std::string header(const std::string& place) {
    std::string plain;
    bool inside = false;
    for (const char c : place) {
      inside = inside || c == '[';
      if (!inside) plain += c;
      if (c == ']') inside = false;
    }
    return place.ends_with(']') ? "[[" + plain + "]]" : "[" + plain + "]";
  }

  bool headers_;
  std::string place_;
  std::vector<std::string> lines_;
};

void write_params(Lines& out, const PluginSpec& spec, bool whole_paths) {
  for (std::uint32_t i = 0; i < spec.descriptor->param_count; ++i) {
    if (!spec.values[i]) continue;
    const tpc_param& param = *spec.descriptor->params[i];
    const auto* text = std::get_if<std::string>(&*spec.values[i]);
    const bool shorten = param.type == TPC_PATH && !whole_paths;
    out.add(param.key, shorten ? Value(fs::path(*text).filename().string()) : *spec.values[i]);
  }
}

/// Whether those who take part in a run must have the same value: what can change a bit of x in a round.
bool is_agreed(const HostKey& key, const RunConfig& config) {
  const std::string place = std::string(key.table) + "." + key.name;
  if (place == "run.rounds") return config.schedule.kind == Schedule::Kind::cosine;  // step sizes depend on it
  if (place == "run.evaluate") return config.evaluate != Evaluate::exact;  // which is what checkpoints without it have
  return key.agreed;
}

void write_host_keys(Lines& out, const RunConfig& config, std::string_view table, bool complete) {
  for (const HostKey& key : host_keys()) {
    if (table != key.table || key.value == nullptr || !(complete || is_agreed(key, config))) continue;
    if (const auto value = key.value(config)) out.add(key.name, *value);
  }
}

void write_table(Lines& out, const RunConfig& config, const char* table, bool complete) {
  out.table(table);
  write_host_keys(out, config, table, complete);
}

void write_injections(Lines& out, const std::vector<Injection>& injections) {
  for (std::size_t i = 0; i < injections.size(); ++i) {
    const Injection& injection = injections[i];
    out.table("faults.inject[" + std::to_string(i) + "]");
    out.add("kind", Value(std::string(name_of(injection.kind))));
    out.add("worker", Value(injection.worker));
    out.add("round", Value(static_cast<std::int64_t>(injection.round)));
    out.add("when", Value(std::string(name_of(injection.when))));
    out.add("seconds", Value(injection.seconds));
    if (injection.kind != Injection::Kind::attack) continue;
    out.add("attack", Value(std::string(name_of(injection.attack))));
    out.add("size", Value(injection.size));
  }
}

/// A table that names a plugin, with the host's keys in it and the tables of what is nested.
void write_plugin(Lines& out, const RunConfig& config, const PluginSpec& spec, bool complete) {
  out.table(spec.place);
  out.add(find_kind(spec.descriptor->kind)->key, Value(std::string(spec.descriptor->id)));
  write_params(out, spec, complete);
  write_host_keys(out, config, spec.place, complete);
  for (const PluginSpec& child : spec.children) write_plugin(out, config, child, complete);
}

void write_method(Lines& out, const RunConfig& config, bool complete) {
  for (const PluginSpec* spec : {&config.problem, &config.mechanism, &config.optimizer})
    write_plugin(out, config, *spec, complete);
}

/// Without a mechanism there is only what replays share, which does not change a bit of x.
void write_downlink(Lines& out, const RunConfig& config, bool complete) {
  const DownlinkConfig& downlink = config.downlink;
  if (!downlink.mechanism) {
    if (complete) write_table(out, config, "downlink", complete);
    return;
  }
  out.table(downlink.mechanism->place);
  out.add("plugin", Value(std::string(downlink.mechanism->descriptor->id)));
  write_params(out, *downlink.mechanism, complete);
  out.add("of", Value(std::string(downlink.of == DownlinkConfig::Of::model ? "model" : "gradient")));
  for (const PluginSpec& child : downlink.mechanism->children) write_plugin(out, config, child, complete);
}

void write_topology(Lines& out, const RunConfig& config, bool complete) {
  if (config.topology) write_plugin(out, config, *config.topology, complete);
}

void write_aggregation(Lines& out, const RunConfig& config, bool complete) {
  if (config.rule) write_plugin(out, config, *config.rule, complete);
}

/// What relative paths are relative to. Standard input and pipes lie in no folder of the user's.
fs::path folder_of(const std::string& file) {
  const fs::path path = fs::absolute(file).lexically_normal();
  const bool pipe = path.string().starts_with("/dev/") || path.string().starts_with("/proc/");
  return pipe ? fs::current_path() : path.parent_path();
}

}  // namespace

RunConfig load_config(const std::string& file, const std::vector<std::string>& overrides, const std::string& out,
                      bool data_is_elsewhere) {
  RunConfig config = load_config(read_document(file, overrides), file, out, data_is_elsewhere);
  config.overrides = overrides;
  return config;
}

RunConfig load_config(const Node& document, const std::string& file, const std::string& out, bool data_is_elsewhere) {
  Section root(&document, "");
  const fs::path folder = folder_of(file);

  RunConfig config;
  config.file = file;
  read_run(root.child("run"), config);
  if (!out.empty()) config.out = out;
  config.out = fs::absolute(config.out).lexically_normal().string();
  read_table(root.child("workers"), config);
  Section faults = root.child("faults");
  read_host_keys(faults, config);
  config.faults.inject = read_injections(faults, config.workers);
  faults.refuse_unknown();
  read_table(root.child("checkpoint"), config);
  read_plugin_path(root.child("plugins"), config, folder);
  config.catalog = std::make_shared<Catalog>(Catalog::search_path(config.plugin_path));
  const ResolveContext context{*config.catalog, file, folder.string(), config.dtype, data_is_elsewhere};
  read_plugins(root, config, context);
  read_downlink(root.child("downlink"), config, context);
  read_topology(root, config, context);
  read_exchange(root, config);
  read_aggregation(root, config, context);
  root.refuse_unknown();
  refuse_injections(config);
  return config;
}

std::string to_toml(const RunConfig& config) {
  Lines out(true);
  for (const char* table : {"run", "run.stop", "workers"}) write_table(out, config, table, true);
  write_method(out, config, true);
  write_downlink(out, config, true);
  write_topology(out, config, true);
  write_aggregation(out, config, true);
  write_plugin(out, config, config.transport, true);
  write_table(out, config, "faults", true);
  write_injections(out, config.faults.inject);
  write_table(out, config, "checkpoint", true);
  if (!config.plugin_path.empty()) {
    std::string list;
    for (const std::string& folder : config.plugin_path) list += (list.empty() ? "" : ", ") + to_toml_text(folder);
    out.table("plugins");
    out.add_text("path", "[" + list + "]");
  }
  std::string text;
  for (const std::string& line : out.take()) text += line + "\n";
  return text;
}

std::vector<std::string> agreement(const RunConfig& config) {
  Lines out(false);
  for (const char* table : {"run", "workers"}) write_table(out, config, table, false);
  write_method(out, config, false);
  write_downlink(out, config, false);
  write_topology(out, config, false);
  write_aggregation(out, config, false);
  return out.take();
}

}  // namespace threepc
