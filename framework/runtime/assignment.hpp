// What a run is to do, by its options and by what lies in its folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "record/checkpoint.hpp"
#include "record/run_directory.hpp"
#include "runtime/run.hpp"

namespace threepc {

/// A run as it is to begin, or to go on. Holds its folder.
struct Assignment {
  RunConfig config;
  RunDirectory directory;
  std::optional<Checkpoint> from;
  std::vector<std::string> passed_over;  // files that are no usable checkpoints; stderr has been told
};

/// The configuration that the options name. Throws Failure as load_config() does, and Exit::usage for a folder to
/// resume that others could have written, unless it is trusted.
RunConfig config_of(const RunOptions& options);

/// Whether the run that the options want to go on with is finished and nothing more is asked of it; says so on stderr
/// unless quiet. Throws Failure(Exit::usage) if it was another run.
bool nothing_left(const RunOptions& options, const RunConfig& config, bool quiet);

/// Takes the folder. Throws Failure: Exit::usage if another process has it, if it holds a run that would be lost, or
/// one of another configuration; Exit::data if there is no checkpoint to resume from.
Assignment assignment_of(const RunOptions& options, RunConfig config);

}  // namespace threepc
