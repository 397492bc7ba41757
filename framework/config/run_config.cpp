#include "config/run_config.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "config/document.hpp"
#include "config/resolve.hpp"
#include "config/section.hpp"
#include "failure.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Bounds positive{0, infinity, true};
constexpr Bounds non_negative{0, infinity};
constexpr Bounds count{1, 1e6};

/// A name is part of a path that the user did not write.
void check_name(Section& section, const std::string& name) {
  const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
  if (!plain) section.wrong(*section.take("name"), "name", "expected a name without '/', got '" + excerpt(name) + "'");
}

constexpr const char* evaluate_names[] = {"exact", "bound", "off"};
constexpr const char* init_names[] = {"gradient", "zero", "compressed"};

/// The value of an enumeration whose names these are; the first if the key is not there.
template <class Enum, std::size_t n>
Enum choose(Section& section, const char* key, const char* const (&names)[n]) {
  const std::vector<std::string> all(names, names + n);
  const std::string name = section.choice(key, all).value_or(all.front());
  return static_cast<Enum>(std::find(all.begin(), all.end(), name) - all.begin());
}

/// "auto" or a number of rounds.
void read_evaluation(Section& section, RunConfig& config) {
  config.evaluate = choose<Evaluate>(section, "evaluate", evaluate_names);
  const Node* const every = section.take("evaluate_every");
  if (every == nullptr) return;
  if (const auto* text = std::get_if<std::string>(&every->value)) {
    if (*text != "auto")
      section.wrong(*every, "evaluate_every",
                    "expected \"auto\" or a number of rounds, got \"" + excerpt(*text) + "\"");
    config.evaluate_every.reset();
  } else {
    config.evaluate_every = static_cast<std::uint64_t>(*section.integer("evaluate_every", {1, infinity}));
  }
}

/// What needs the true gradient of every worker.
void require_evaluation(Section& section, Section& stop, const RunConfig& config) {
  const auto refuse = [&](Section& at, const char* key, const std::string& what) {
    at.wrong(*at.take(key), key,
             what + ", but run.evaluate = \"" + evaluate_names[static_cast<int>(config.evaluate)] + "\"");
  };
  if (config.evaluate != Evaluate::exact && config.measure)
    refuse(section, "measure", "compares with the true gradient");
  if (config.evaluate != Evaluate::off) return;
  if (config.stop.grad_norm) refuse(stop, "grad_norm", "is a rule about the gradient");
  if (config.stop.grad_norm_sq) refuse(stop, "grad_norm_sq", "is a rule about the gradient");
}

void read_run(Section section, RunConfig& config) {
  config.name = section.text("name").value_or(fs::path(config.file).stem().string());
  if (section.take("name") != nullptr) check_name(section, config.name);
  config.seed = static_cast<std::uint64_t>(section.integer("seed", non_negative).value_or(1));
  config.dtype = section.choice("dtype", {"f32", "f64"}).value_or("f64") == "f32" ? TPC_F32 : TPC_F64;
  config.rounds = static_cast<std::uint64_t>(section.integer("rounds", non_negative).value_or(1000));
  config.out = section.text("out").value_or("runs/" + config.name);
  if (config.out.empty()) section.wrong(*section.take("out"), "out", "expected the name of a folder, got \"\"");
  config.measure = section.flag("measure").value_or(false);
  read_evaluation(section, config);
  Section stop = section.child("stop");
  config.stop.grad_norm = stop.real("grad_norm", positive);
  config.stop.grad_norm_sq = stop.real("grad_norm_sq", positive);
  config.stop.uplink_bits_per_worker = stop.real("uplink_bits_per_worker", positive);
  config.stop.seconds = stop.real("seconds", positive);
  config.stop.divergence = stop.real("divergence", {1, infinity}).value_or(config.stop.divergence);
  stop.refuse_unknown();
  section.refuse_unknown();
  require_evaluation(section, stop, config);
}

void read_workers(Section section, RunConfig& config) {
  config.workers = static_cast<std::uint32_t>(section.integer("count", count).value_or(1));
  const double all = config.workers;
  config.start = static_cast<std::uint32_t>(section.integer("start", {1, all}).value_or(config.workers));
  config.threads = static_cast<std::uint32_t>(section.integer("threads", count).value_or(1));
  if (const auto batch = section.integer("batch", {1, 4294967295.0})) config.batch = static_cast<std::uint64_t>(*batch);
  config.participation = section.real("participation", {0, 1, true}).value_or(1.0);
  section.refuse_unknown();
}

/// Without a mechanism nothing is lost, and there is only `replay` to decide.
void read_downlink(Section section, RunConfig& config, const ResolveContext& context) {
  DownlinkConfig& downlink = config.downlink;
  const auto of = section.choice("of", {"model", "gradient"});
  const Node* const replay = section.take("replay");
  downlink.replay = section.flag("replay").value_or(true);
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

/// "theory" or a positive number.
void read_stepsize(Section& section, RunConfig& config) {
  const Node* node = section.take("stepsize");
  if (node == nullptr) return;
  const auto* text = std::get_if<std::string>(&node->value);
  if (text != nullptr && *text == "theory") return;
  const bool number = std::holds_alternative<double>(node->value) || std::holds_alternative<std::int64_t>(node->value);
  if (!number)
    section.wrong(
        *node, "stepsize",
        "expected \"theory\" or a number above 0, got " + (text ? "\"" + excerpt(*text) + "\"" : node->type_name()));
  config.stepsize = section.real("stepsize", positive);
}

constexpr const char* schedule_names[] = {"constant", "inverse-sqrt", "cosine", "step"};

void read_schedule(Section& section, Schedule& schedule) {
  const std::vector<std::string> names(std::begin(schedule_names), std::end(schedule_names));
  const std::string name = section.choice("schedule", names).value_or(names.front());
  schedule.kind = static_cast<Schedule::Kind>(std::find(names.begin(), names.end(), name) - names.begin());
  schedule.warmup = static_cast<std::uint64_t>(section.integer("warmup", non_negative).value_or(0));
  const auto every = section.integer("decay_every", {1, infinity});
  const auto factor = section.real("decay_factor", {0, 1, true});
  const bool steps = schedule.kind == Schedule::Kind::step;
  for (const char* key : {"decay_every", "decay_factor"})
    if (const Node* node = section.take(key); node != nullptr && !steps)
      section.wrong(*node, key, "belongs to schedule = \"step\", but the schedule is \"" + name + "\"");
  if (steps && !every)
    section.wrong(*section.take("schedule"), "schedule", "\"step\" needs decay_every = rounds between two decays");
  schedule.decay_every = static_cast<std::uint64_t>(every.value_or(0));
  schedule.decay_factor = factor.value_or(0.5);
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
  config.init = choose<Init>(mechanism, "init", init_names);
  config.momentum = mechanism.real("momentum", {0, 1, true}).value_or(1.0);
  config.mechanism = resolve_plugin(mechanism, TPC_MECHANISM, nullptr, context);

  Section optimizer = root.child("optimizer");
  read_stepsize(optimizer, config);
  config.multiplier = optimizer.real("multiplier", positive).value_or(1.0);
  config.mu = optimizer.real("mu", positive);
  if (config.mu && config.stepsize)
    optimizer.wrong(*optimizer.take("mu"), "mu", "is used by stepsize = \"theory\" only; remove one of the two");
  read_schedule(optimizer, config.schedule);
  config.optimizer = resolve_plugin(optimizer, TPC_OPTIMIZER, "gd", context);

  Section transport = root.child("transport");
  pass_over_replaced(transport, context.catalog);
  config.timeout = transport.real("timeout", {0, 1e6, true}).value_or(60.0);
  config.transport = resolve_plugin(transport, TPC_TRANSPORT, "inproc", context);
}

/// A worker that is a thread cannot end or stop alone.
void refuse_injections(const RunConfig& config) {
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
  void add(const std::string& key, const std::optional<double>& value) {
    if (value) add(key, Value(*value));
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

Value integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void write_params(Lines& out, const PluginSpec& spec, bool whole_paths) {
  for (std::uint32_t i = 0; i < spec.descriptor->param_count; ++i) {
    if (!spec.values[i]) continue;
    const tpc_param& param = *spec.descriptor->params[i];
    const auto* text = std::get_if<std::string>(&*spec.values[i]);
    const bool shorten = param.type == TPC_PATH && !whole_paths;
    out.add(param.key, shorten ? Value(fs::path(*text).filename().string()) : *spec.values[i]);
  }
}

void write_faults(Lines& out, const Faults& faults) {
  out.table("faults");
  out.add("on_worker_loss", Value(std::string(name_of(faults.on_worker_loss))));
  out.add("patience", faults.patience);
  out.add("round_deadline", faults.round_deadline);
  out.add("restarts", integer(faults.restarts));
  for (std::size_t i = 0; i < faults.inject.size(); ++i) {
    const Injection& injection = faults.inject[i];
    out.table("faults.inject[" + std::to_string(i) + "]");
    out.add("kind", Value(std::string(name_of(injection.kind))));
    out.add("worker", Value(injection.worker));
    out.add("round", integer(injection.round));
    out.add("when", Value(std::string(name_of(injection.when))));
    out.add("seconds", Value(injection.seconds));
  }
}

void write_checkpoint_rules(Lines& out, const CheckpointRules& rules) {
  out.table("checkpoint");
  out.add("at_end", Value(rules.at_end));
  if (rules.every_rounds) out.add("every_rounds", integer(*rules.every_rounds));
  out.add("every_seconds", rules.every_seconds);
}

/// Keys that the host owns in a plugin's section: [mechanism] init and the like.
using HostKeys = std::vector<std::pair<std::string, Value>>;

void write_plugin(Lines& out, const PluginSpec& spec, bool whole_paths, const HostKeys& host_keys = {}) {
  out.table(spec.place);
  out.add("plugin", Value(std::string(spec.descriptor->id)));
  write_params(out, spec, whole_paths);
  for (const auto& [key, value] : host_keys) out.add(key, value);
  for (const PluginSpec& child : spec.children) write_plugin(out, child, whole_paths);
}

void write_run(Lines& out, const RunConfig& config, bool complete) {
  out.table("run");
  if (complete) out.add("name", Value(config.name));
  out.add("seed", integer(config.seed));
  out.add("dtype", Value(std::string(config.dtype == TPC_F32 ? "f32" : "f64")));
  out.add("rounds", integer(config.rounds));
  if (complete) out.add("out", Value(config.out));
  if (complete || config.evaluate != Evaluate::exact)
    out.add("evaluate", Value(std::string(evaluate_names[static_cast<int>(config.evaluate)])));
  out.add("evaluate_every", config.evaluate_every ? integer(*config.evaluate_every) : Value(std::string("auto")));
  out.add("measure", Value(config.measure));
  const StopRules& stop = config.stop;
  out.table("run.stop");
  out.add("grad_norm", stop.grad_norm);
  out.add("grad_norm_sq", stop.grad_norm_sq);
  out.add("uplink_bits_per_worker", stop.uplink_bits_per_worker);
  out.add("seconds", stop.seconds);
  out.add("divergence", Value(stop.divergence));
}

void append_schedule(HostKeys& keys, const Schedule& schedule) {
  keys.emplace_back("schedule", std::string(schedule_names[static_cast<std::size_t>(schedule.kind)]));
  keys.emplace_back("warmup", integer(schedule.warmup));
  if (schedule.kind != Schedule::Kind::step) return;
  keys.emplace_back("decay_every", integer(schedule.decay_every));
  keys.emplace_back("decay_factor", schedule.decay_factor);
}

void write_method(Lines& out, const RunConfig& config, bool complete) {
  const Value stepsize = config.stepsize ? Value(*config.stepsize) : Value(std::string("theory"));
  write_plugin(out, config.problem, complete);
  write_plugin(out, config.mechanism, complete,
               {{"init", std::string(init_names[static_cast<int>(config.init)])}, {"momentum", config.momentum}});
  HostKeys keys = {{"stepsize", stepsize}, {"multiplier", config.multiplier}};
  if (config.mu) keys.emplace_back("mu", *config.mu);
  append_schedule(keys, config.schedule);
  write_plugin(out, config.optimizer, complete, keys);
}

/// What replays share does not change a bit of x, so that server and workers need not agree on it.
void write_downlink(Lines& out, const RunConfig& config, bool complete) {
  const DownlinkConfig& downlink = config.downlink;
  const std::string of = downlink.of == DownlinkConfig::Of::model ? "model" : "gradient";
  if (downlink.mechanism) return write_plugin(out, *downlink.mechanism, complete, {{"of", of}});
  if (!complete) return;
  out.table("downlink");
  out.add("replay", Value(downlink.replay));
}

void write_workers(Lines& out, const RunConfig& config, bool complete) {
  out.table("workers");
  out.add("count", integer(config.workers));
  if (complete) out.add("start", integer(config.start));
  if (complete) out.add("threads", integer(config.threads));
  if (config.batch) out.add("batch", integer(*config.batch));
  out.add("participation", Value(config.participation));
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
  read_workers(root.child("workers"), config);
  config.faults = read_faults(root.child("faults"), config.workers);
  config.checkpoint = read_checkpoint_rules(root.child("checkpoint"));
  read_plugin_path(root.child("plugins"), config, folder);
  config.catalog = std::make_shared<Catalog>(Catalog::search_path(config.plugin_path));
  const ResolveContext context{*config.catalog, file, folder.string(), config.dtype, data_is_elsewhere};
  read_plugins(root, config, context);
  read_downlink(root.child("downlink"), config, context);
  root.refuse_unknown();
  refuse_injections(config);
  return config;
}

std::string to_toml(const RunConfig& config) {
  Lines out(true);
  write_run(out, config, true);
  write_workers(out, config, true);
  write_method(out, config, true);
  write_downlink(out, config, true);
  write_plugin(out, config.transport, true, {{"timeout", config.timeout}});
  write_faults(out, config.faults);
  write_checkpoint_rules(out, config.checkpoint);
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
  write_run(out, config, false);
  write_workers(out, config, false);
  write_method(out, config, false);
  write_downlink(out, config, false);
  std::vector<std::string> lines = out.take();
  const bool paced = config.schedule.kind == Schedule::Kind::cosine;  // its step sizes depend on run.rounds
  std::erase_if(lines, [&](const std::string& line) {
    return line.starts_with("run.stop.") || (!paced && line.starts_with("run.rounds "));
  });
  return lines;
}

}  // namespace threepc
