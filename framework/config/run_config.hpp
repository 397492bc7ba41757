// A run as the user describes it: one TOML file and the overrides of the command line, checked and complete.
#pragma once

#include <threepc/abi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/faults.hpp"
#include "plugin/catalog.hpp"
#include "plugin/spec.hpp"

namespace threepc {

/// [run.stop]: the run ends at the first evaluated round that meets one of these.
struct StopRules {
  std::optional<double> grad_norm;
  std::optional<double> grad_norm_sq;
  std::optional<double> uplink_bits_per_worker;
  std::optional<double> seconds;
  double divergence = 1e9;  // ||grad f|| above so many times its first value
};

/// How the step size changes over the rounds: gamma_t = gamma * factor(t).
struct Schedule {
  enum class Kind { constant, inverse_sqrt, inverse, cosine, step };
  Kind kind = Kind::constant;
  std::uint64_t warmup = 0;       // rounds over which the factor grows linearly to 1
  std::uint64_t decay_every = 0;  // step: rounds between two decays; inverse: after which gamma is half
  double decay_factor = 0.5;      // step: what each decay multiplies by
};

/// [downlink]: what goes down to the workers.
struct DownlinkConfig {
  enum class Of { steps, gradient, model };
  Of of = Of::steps;                    // steps: what is needed to make the same, without loss
  bool replay = true;                   // false: x itself, in every round
  std::optional<PluginSpec> mechanism;  // of the two others
};

/// [run] evaluate: what workers say of f in an evaluated round.
enum class Evaluate {
  exact,  // f_i and its gradient
  bound,  // f_i, and how far its gradient is from g_i: two numbers, between which ||grad f|| is
  off     // nothing
};

/// [mechanism] init: g_i^0.
enum class Init {
  gradient,   // grad f_i(x^0), sent whole
  zero,       // 0, and nothing is sent
  compressed  // what the mechanism makes of grad f_i(x^0), from h = y = 0
};

/// [topology] weights: with which workers mix what they hear; see mixing_matrix.
enum class Weights { doubly, out_degree, metropolis };

struct RunConfig {
  std::string file;                    // as given on the command line
  std::vector<std::string> overrides;  // "mechanism.zeta=32", as given

  std::string name;
  std::uint64_t seed = 1;
  tpc_dtype dtype = TPC_F64;
  std::uint64_t rounds = 1000;
  std::string out;  // absolute
  Evaluate evaluate = Evaluate::exact;
  std::optional<std::uint64_t> evaluate_every;  // none: "auto"
  StopRules stop;
  bool measure = false;  // compare the plugins' constants with what happens

  std::uint32_t workers = 1;
  std::uint32_t start = 1;  // how many must have joined for the run to begin; the others are new when they come
  std::optional<std::uint32_t> threads;  // of an in-process run; none: "auto", one for each processor
  std::optional<std::uint64_t> batch;    // rows of a minibatch; none: the whole shard
  double participation = 1.0;            // probability with which a worker takes part in a round

  PluginSpec problem;
  PluginSpec mechanism;
  PluginSpec optimizer;
  PluginSpec transport;
  DownlinkConfig downlink;
  std::optional<PluginSpec> topology;  // none: a star, workers around the server
  Weights weights = Weights::doubly;   // [topology] weights
  std::optional<PluginSpec> rule;      // [aggregation] rule; none: the mean

  Init init = Init::gradient;       // [mechanism] init
  double momentum = 1.0;            // [mechanism] momentum: the new gradient's share in v (EF21-SGDM); 1: no memory
  std::optional<double> stepsize;   // [optimizer] stepsize; none: "theory"
  std::optional<double> mu;         // [optimizer] mu: the constant of the PL condition, for "theory"
  Schedule schedule;                // [optimizer] schedule and what belongs to it
  double multiplier = 1.0;          // [optimizer] multiplier
  std::optional<double> consensus;  // [optimizer] consensus: how far towards what is heard; none: "auto"
  double timeout = 60.0;            // [transport] timeout, seconds

  Faults faults;
  CheckpointRules checkpoint;

  std::vector<std::string> plugin_path;  // [plugins] path, absolute
  std::shared_ptr<const Catalog> catalog;
};

/// Reads and checks a configuration. Throws Failure: Exit::usage with FILE:LINE:COLUMN for anything wrong in
/// it, Exit::data for a data file that does not exist, Exit::plugin for a plugin that cannot be used.
/// `out` replaces [run] out when not empty. A server whose workers are on other hosts reads no data: then they may be
/// elsewhere, and a file that is not here is no error.
RunConfig load_config(const std::string& file, const std::vector<std::string>& overrides, const std::string& out = "",
                      bool data_is_elsewhere = false);

/// The same for a document that is not, or not only, what one file says; relative paths are relative to the
/// folder of `file`, or to the current folder where that is standard input or a pipe.
RunConfig load_config(const Node& document, const std::string& file, const std::string& out,
                      bool data_is_elsewhere = false);

/// The complete configuration as TOML: every default filled in, every path absolute; load_config of it gives
/// the same run.
std::string to_toml(const RunConfig& config);

/// What server and workers must agree on, and a checkpoint with the run that goes on from it, one "key = value" a
/// line: everything that can change a bit of x in a round. Paths are reduced to file names, because hosts differ;
/// [transport], [plugins], [faults], [checkpoint], names, threads, and what only says when the run ends are left out.
std::vector<std::string> agreement(const RunConfig& config);

}  // namespace threepc
