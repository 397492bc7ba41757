#include "config/keys.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "config/document.hpp"
#include "nearest.hpp"

namespace threepc {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Bounds any{-infinity, infinity};
constexpr Bounds positive{0, infinity, true};
constexpr Bounds non_negative{0, infinity};
constexpr Bounds at_least_one{1, infinity};
constexpr Bounds share{0, 1, true};
constexpr Bounds count{1, 1e6};
constexpr Bounds a_while{0, 1e6, true};

// The names of enumerations, in their order.
template <class Enum>
constexpr std::array<const char*, 0> names{};
template <>
constexpr std::array names<Evaluate> = {"exact", "bound", "off"};
template <>
constexpr std::array names<Init> = {"gradient", "zero", "compressed"};
template <>
constexpr std::array names<Schedule::Kind> = {"constant", "inverse-sqrt", "inverse", "cosine", "step"};
template <>
constexpr std::array names<Weights> = {"doubly", "out-degree", "metropolis"};
template <>
constexpr std::array names<Faults::OnLoss> = {"lazy", "wait", "stop"};

// A member of RunConfig, or of what is in it: member<&RunConfig::stop, &StopRules::seconds>.
template <auto first, auto... rest>
auto& member(auto& object) {
  if constexpr (sizeof...(rest) == 0)
    return object.*first;
  else
    return member<rest...>(object.*first);
}

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

/// The key as a T; nullopt: it is not there.
template <class T>
std::optional<T> taken(Section& section, const HostKey& key) {
  if constexpr (std::is_same_v<T, bool>) {
    return section.flag(key.name);
  } else if constexpr (std::is_enum_v<T>) {
    return section.enumerator<T>(key.name, names<T>);
  } else if constexpr (std::is_integral_v<T>) {
    const auto value = section.integer(key.name, key.bounds);
    return value ? std::optional(static_cast<T>(*value)) : std::nullopt;
  } else if constexpr (std::is_same_v<T, double>) {
    return section.real(key.name, key.bounds);
  } else {
    return section.text(key.name);
  }
}

template <class T>
Value value_of(const T& value) {
  if constexpr (std::is_enum_v<T>)
    return std::string(names<T>[static_cast<std::size_t>(value)]);
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return static_cast<std::int64_t>(value);
  else
    return value;
}

template <auto... path>
void read(Section& section, const HostKey& key, RunConfig& config) {
  auto& field = member<path...>(config);
  using T = std::remove_cvref_t<decltype(field)>;
  if constexpr (is_optional<T>) {
    if (auto value = taken<typename T::value_type>(section, key)) field = value;
  } else {
    if (auto value = taken<T>(section, key)) field = *value;
  }
}

template <auto... path>
std::optional<Value> value(const RunConfig& config) {
  const auto& field = member<path...>(config);
  if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>)
    return field ? std::optional(value_of(*field)) : std::nullopt;
  else
    return value_of(field);
}

template <auto... path>
constexpr HostKey key(const char* table, const char* name, Bounds bounds, bool agreed, const char* meaning,
                      const char* preset = nullptr) {
  return {table, name, bounds, meaning, preset, agreed, read<path...>, value<path...>};
}

void read_dtype(Section& section, const HostKey& key, RunConfig& config) {
  if (const auto text = section.choice(key.name, {"f32", "f64"})) config.dtype = *text == "f32" ? TPC_F32 : TPC_F64;
}
std::optional<Value> value_of_dtype(const RunConfig& config) {
  return std::string(config.dtype == TPC_F32 ? "f32" : "f64");
}

/// A number, or a word in its place.
template <class Take>
void read_or_word(Section& section, const HostKey& key, const char* word, const char* expected, Take take_number) {
  const Node* const node = section.take(key.name);
  if (node == nullptr) return;
  const auto* const text = std::get_if<std::string>(&node->value);
  if (text != nullptr && *text == word) return;
  const bool number = std::holds_alternative<double>(node->value) || std::holds_alternative<std::int64_t>(node->value);
  if (!number)
    section.wrong(*node, key.name,
                  std::string("expected \"") + word + "\" or " + expected + ", got " +
                      (text ? "\"" + excerpt(*text) + "\"" : node->type_name()));
  take_number();
}

void read_every(Section& section, const HostKey& key, RunConfig& config) {
  read_or_word(section, key, "auto", "a number of rounds",
               [&] { config.evaluate_every = taken<std::uint64_t>(section, key); });
}
std::optional<Value> value_of_every(const RunConfig& config) {
  return config.evaluate_every ? value_of(*config.evaluate_every) : Value(std::string("auto"));
}

void read_threads(Section& section, const HostKey& key, RunConfig& config) {
  read_or_word(section, key, "auto", "a number of threads",
               [&] { config.threads = taken<std::uint32_t>(section, key); });
}
std::optional<Value> value_of_threads(const RunConfig& config) {
  return config.threads ? value_of(*config.threads) : Value(std::string("auto"));
}

void read_stepsize(Section& section, const HostKey& key, RunConfig& config) {
  read_or_word(section, key, "theory", "a number above 0", [&] { config.stepsize = taken<double>(section, key); });
}
std::optional<Value> value_of_stepsize(const RunConfig& config) {
  return config.stepsize ? Value(*config.stepsize) : Value(std::string("theory"));
}

void read_consensus(Section& section, const HostKey& key, RunConfig& config) {
  read_or_word(section, key, "auto", "a number, above 0 and at most 1",
               [&] { config.consensus = taken<double>(section, key); });
}
/// Of methods of peers alone.
std::optional<Value> value_of_consensus(const RunConfig& config) {
  if (config.consensus) return Value(*config.consensus);
  return config.topology ? std::optional(Value(std::string("auto"))) : std::nullopt;
}

/// Never more than there are.
void read_start(Section& section, const HostKey& key, RunConfig& config) {
  const auto start = section.integer(key.name, {1, static_cast<double>(config.workers)});
  config.start = start ? static_cast<std::uint32_t>(*start) : config.workers;
}

/// Keys of some kinds of schedule: of `first`, and of what comes after it in the order of kinds but the cosine.
template <Schedule::Kind first>
bool is_of(const Schedule& schedule) {
  return schedule.kind >= first && schedule.kind != Schedule::Kind::cosine;
}
template <Schedule::Kind first, auto... path>
std::optional<Value> value_of_decay(const RunConfig& config) {
  return is_of<first>(config.schedule) ? value<path...>(config) : std::nullopt;
}
template <Schedule::Kind first, auto... path>
void read_decay(Section& section, const HostKey& key, RunConfig& config) {
  read<path...>(section, key, config);
  const Node* const node = section.take(key.name);
  if (node != nullptr && !is_of<first>(config.schedule))
    section.wrong(*node, key.name,
                  std::string("belongs to schedule = \"step\"") +
                      (first == Schedule::Kind::step ? "" : " or \"inverse\"") + ", but the schedule is \"" +
                      names<Schedule::Kind>[static_cast<std::size_t>(config.schedule.kind)] + "\"");
}

using S = StopRules;
using D = DownlinkConfig;

constexpr bool agreed = true, local = false;

constexpr HostKey table[] = {
    key<&RunConfig::name>("run", "name", any, local, "names the run and its folder", "the file's name"),
    key<&RunConfig::seed>("run", "seed", non_negative, agreed, "of every random stream"),
    {"run", "dtype", any, "or `\"f32\"`: what x, gradients and payloads are made of", nullptr, agreed, read_dtype,
     value_of_dtype},
    key<&RunConfig::rounds>("run", "rounds", non_negative, agreed, "upper bound"),
    key<&RunConfig::out>("run", "out", any, local,
                         "the run directory; `--out` overrides it. Readable by its owner alone if it is new, and [one "
                         "run's at a time](reliability.md#the-run-directory)",
                         "`runs/NAME`"),
    key<&RunConfig::evaluate>(
        "run", "evaluate", any, agreed,
        "what workers say of f in an evaluated round: f_i and its gradient; `\"bound\"`: f_i and ‖g_i − "
        "∇f_i‖², 16 bytes, from which follows an interval that holds ‖∇f‖: `grad_norm` and the stopping "
        "rules are its upper end, `grad_norm_lower` its lower; `\"off\"`: nothing, f and ‖∇f‖ are null"),
    {"run", "evaluate_every", at_least_one,
     "rounds between two lines of `metrics.jsonl`; `\"auto\"`: as often as evaluations take at most a "
     "tenth of the payload bytes that the method itself has sent, in round 0 and in the last. A line "
     "takes 250 to 300 bytes: at 3,000 rounds a second 1 makes about 30 GB in a night, so the log says "
     "when the file has reached 1 GiB, and at each doubling",
     nullptr, agreed, read_every, value_of_every},
    key<&RunConfig::measure>("run", "measure", any, agreed,
                             "compare the constants that plugins declare with what happens: "
                             "[Measured constants](configuration.md#measured-constants)"),
    key<&RunConfig::stop, &S::grad_norm>("run.stop", "grad_norm", positive, local,
                                         "end at the first evaluated round in which ‖∇f‖ is at most this"),
    key<&RunConfig::stop, &S::grad_norm_sq>("run.stop", "grad_norm_sq", positive, local,
                                            "end at the first evaluated round in which ‖∇f‖² is at most this"),
    key<&RunConfig::stop, &S::uplink_bits_per_worker>(
        "run.stop", "uplink_bits_per_worker", positive, local,
        "end at the first evaluated round in which each worker has sent so many bits, on average"),
    key<&RunConfig::stop, &S::seconds>(
        "run.stop", "seconds", positive, local,
        "end at the first evaluated round in which so many seconds have passed since round 0 began"),
    key<&RunConfig::stop, &S::divergence>(
        "run.stop", "divergence", at_least_one, local,
        "a run whose evaluated ‖∇f‖ exceeds so many times its first value other than 0 has diverged (exit"
        " code 3), as one with NaN or infinity has; from 1 on, 1e300 for never"),
    key<&RunConfig::workers>("workers", "count", count, agreed, "n, how many there are"),
    {"workers", "start", any,
     "the run begins when so many have joined, rank 0 among them; the others are new members when they "
     "come. Over transports where nobody can come later (inproc, mpi) all are waited for",
     "`workers.count`", local, read_start, value<&RunConfig::start>},
    {"workers", "threads", count,
     "threads that drive the workers of an in-process run; `\"auto\"`: as many as the machine has processors. The bits "
     "of x do not depend on it",
     nullptr, local, read_threads, value_of_threads},
    key<&RunConfig::batch>(
        "workers", "batch", Bounds{1, 4294967295.0}, agreed,
        "rows of a minibatch, drawn anew with replacement in every round, by each worker from its own "
        "stream; none: the whole shard"),
    key<&RunConfig::participation>(
        "workers", "participation", share, agreed,
        "probability with which a worker takes part in a round, drawn for each by itself (EF21-PP); the "
        "others keep their g_i. Needs a number as step size"),
    key<&RunConfig::init>(
        "mechanism", "init", any, agreed,
        "g_i⁰ = ∇f_i(x⁰), d values, sent whole and counted; `\"zero\"`: 0, nothing is sent; "
        "`\"compressed\"`: what the mechanism makes of ∇f_i(x⁰), as a message of any round, from h = y = "
        "0 (a lazy one with ζ ≥ 1 skips)"),
    key<&RunConfig::momentum>(
        "mechanism", "momentum", share, agreed,
        "η of EF21-SGDM, in (0, 1]: v ← (1−η) v + η ∇f_i(x) takes the gradient's place; 1: no memory"),
    {"optimizer", "stepsize", positive,
     "γ, or the value that follows from the constants of mechanism and problem; theory speaks of steps x "
     "− γ g, so only `gd` of the built-in optimizers has it",
     nullptr, agreed, read_stepsize, value_of_stepsize},
    key<&RunConfig::multiplier>("optimizer", "multiplier", positive, agreed,
                                "scales γ; the papers tune it over powers of two"),
    key<&RunConfig::mu>("optimizer", "mu", positive, agreed,
                        "constant of the PŁ condition: \"theory\" then takes min{1/(L₋+L₊√(2B/A)), A/(2μ)}"),
    key<&RunConfig::schedule, &Schedule::kind>(
        "optimizer", "schedule", any, agreed,
        "or `\"inverse-sqrt\"`, `\"inverse\"`, `\"cosine\"` (to 0 at `run.rounds`), `\"step\"`"),
    key<&RunConfig::schedule, &Schedule::warmup>(
        "optimizer", "warmup", non_negative, agreed,
        "rounds over which γ grows linearly to its value, before the schedule begins"),
    {"optimizer", "decay_every", at_least_one,
     "of `\"step\"`: rounds between two decays; of `\"inverse\"`: rounds τ of γ/(1 + t/τ). It must be given", "-",
     agreed, read_decay<Schedule::Kind::inverse, &RunConfig::schedule, &Schedule::decay_every>,
     value_of_decay<Schedule::Kind::inverse, &RunConfig::schedule, &Schedule::decay_every>},
    {"optimizer", "decay_factor", share, "of `\"step\"`: what each decay multiplies γ by", "0.5", agreed,
     read_decay<Schedule::Kind::step, &RunConfig::schedule, &Schedule::decay_factor>,
     value_of_decay<Schedule::Kind::step, &RunConfig::schedule, &Schedule::decay_factor>},
    {"optimizer", "consensus", share,
     "of methods of peers: how far x moves towards what its neighbours published; `\"auto\"`: half the α of the "
     "compressor, 1 without one. A rule, not theory; too large, and what is compressed away piles up",
     "`\"auto\"`", agreed, read_consensus, value_of_consensus},
    {"aggregation", "rule", any,
     "what the server makes of the workers' g_i: `\"mean\"`, or a rule that bad workers do not sway: "
     "[aggregation.md](aggregation.md)",
     "`\"mean\"`", agreed, nullptr, nullptr},
    key<&RunConfig::weights>(
        "topology", "weights", any, agreed,
        "with which a worker mixes what it hears: rows and columns sum to 1 (Sinkhorn); `\"out-degree\"`: "
        "1/(out-degree + 1), columns alone, which push-sum's y corrects; `\"metropolis\"`: for links both ways. "
        "A graph that has weights of its own is mixed with those"),
    key<&RunConfig::downlink, &D::replay>(
        "downlink", "replay", any, local,
        "workers make the server's optimizer steps themselves, and what has changed of g goes down in "
        "place of x; the bits of x are the same. Optimizers whose steps may differ in bits between "
        "machines (`adam`) send x. false: x in every round"),
    {"downlink", "of", any,
     "what the mechanism of `downlink.plugin` compresses on its way down, `\"model\"` or `\"gradient\"`: "
     "[Both ways](mechanisms.md#both-ways)",
     "none", agreed, nullptr, nullptr},
    key<&RunConfig::timeout>("transport", "timeout", a_while, local, "seconds that any wait may last"),
    key<&RunConfig::faults, &Faults::on_worker_loss>(
        "faults", "on_worker_loss", any, local,
        "a lost worker is one that skips, and may come back; `\"wait\"`: the round waits for it; "
        "`\"stop\"`: the run ends. See [reliability.md](reliability.md)"),
    key<&RunConfig::faults, &Faults::patience>(
        "faults", "patience", a_while, local,
        "seconds to wait for a lost worker, with `\"wait\"`, or when none is left", "`transport.timeout`"),
    key<&RunConfig::faults, &Faults::round_deadline>("faults", "round_deadline", a_while, local,
                                                     "seconds after which a round goes on without those that are late"),
    key<&RunConfig::faults, &Faults::restarts>("faults", "restarts", Bounds{0, 1e6}, local,
                                               "how often `threepc run` starts a worker process again that was lost"),
    {"faults", "inject", any,
     "faults that members cause themselves, a table each: `kind` (`\"kill\"`, `\"stop\"`, `\"delay\"`, "
     "`\"drop\"`, `\"corrupt\"`, `\"duplicate\"`), `worker` (-1: the server), `round`, `when` "
     "(`\"receive\"` or `\"send\"`, of kill and stop), `seconds` (1, of stop and delay)",
     "none", local, nullptr, nullptr},
    key<&RunConfig::checkpoint, &CheckpointRules::at_end>(
        "checkpoint", "at_end", any, local,
        "leave a checkpoint of the last whole round however the run ends; false spares the server the "
        "memory that it takes ([reliability.md](reliability.md#checkpoints-and-resuming)). One is written"
        " at Ctrl+C in any case"),
    key<&RunConfig::checkpoint, &CheckpointRules::every_rounds>("checkpoint", "every_rounds", at_least_one, local,
                                                                "rounds between two checkpoints while the run goes on"),
    key<&RunConfig::checkpoint, &CheckpointRules::every_seconds>(
        "checkpoint", "every_seconds", a_while, local, "seconds between two checkpoints while the run goes on"),
    {"plugins", "path", any,
     "folders to search for plugins first; then come those of `THREEPC_PLUGIN_PATH` (separated by colons)"
     " and the one that is installed beside the program. `threepc plugins list --path FOLDER` looks in "
     "one more",
     "none", local, nullptr, nullptr},
};

}  // namespace

std::span<const HostKey> host_keys() { return table; }

void read_host_keys(Section& section, RunConfig& config) {
  for (const HostKey& row : table)
    if (section.place() == row.table && row.read != nullptr) row.read(section, row, config);
}

std::string preset_text(const HostKey& row) {
  if (row.preset != nullptr) return row.preset;
  const auto preset = row.value(RunConfig());
  if (!preset) return "none";
  const std::string text = to_toml_text(*preset);
  return std::holds_alternative<std::string>(*preset) ? "`" + text + "`" : text;
}

std::string host_keys_markdown() {
  std::string out = "| key | default | meaning |\n|---|---|---|\n";
  for (const HostKey& row : table)
    out += std::string("| `") + row.table + "." + row.name + "` | " + preset_text(row) + " | " + row.meaning + " |\n";
  return out;
}

}  // namespace threepc
