#include "runtime/assignment.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

#include "record/stopping.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

void require_continuation(const RunConfig& config, const Checkpoint& from) {
  const std::vector<std::string> lines = agreement(config);
  const auto [now, then] =
      std::mismatch(lines.begin(), lines.end(), from.configuration.begin(), from.configuration.end());
  if (now == lines.end() && then == from.configuration.end()) return;
  throw Failure(Exit::usage,
                config.out + ": the checkpoint is of a run with '" +
                    (then == from.configuration.end() ? "nothing more" : *then) + "', this configuration has '" +
                    (now == lines.end() ? "nothing more" : *now) +
                    "'; transport, [faults], [checkpoint], rounds and stopping rules may change, nothing else");
}

/// Why somebody else may have had a hand in this file or folder; "" if nobody can. A group that is this user's own may.
std::string foreign_hand(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return path + " cannot be looked at: " + std::strerror(errno);
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return path + " belongs to another user (" + std::to_string(status.st_uid) + ")";
  const bool by_group = (status.st_mode & S_IWGRP) != 0 && status.st_gid != getegid();
  return by_group || (status.st_mode & S_IWOTH) != 0 ? path + " can be written by others" : "";
}

/// Its configuration names libraries, which then run as this user.
void require_trusted(const std::string& folder) {
  for (const std::string& path : {folder, folder + "/config.toml"})
    if (const std::string reason = foreign_hand(path); !reason.empty())
      throw Failure(Exit::usage, "--resume " + folder + ": " + reason +
                                     ", and its configuration decides which plugins are loaded; look at [plugins] and "
                                     "the paths in its config.toml, then add --trust");
}

RunConfig resumed_config(const RunOptions& options) {
  const std::string file = options.resume + "/config.toml";
  if (!fs::exists(file))
    throw Failure(Exit::usage, "--resume " + options.resume + ": is no run directory: it has no config.toml");
  if (!options.trust) require_trusted(options.resume);
  // A fault that ended the run has happened; it comes again only if it is asked for again.
  const auto injects = [](const std::string& set) { return set.starts_with("faults"); };
  std::vector<std::string> overrides = options.set;
  if (std::none_of(overrides.begin(), overrides.end(), injects)) overrides.push_back("faults.inject=[]");
  RunConfig config = load_config(file, overrides, options.resume, options.data_is_elsewhere);
  config.overrides = options.set;
  return config;
}

/// What is there is not lost because a command was repeated.
void refuse_to_overwrite(const std::string& folder) {
  const bool has_checkpoint = !checkpoint_files(folder).empty();
  const std::string resume = "--resume " + folder;
  if (!fs::exists(folder + "/summary.json") && !has_checkpoint) return;
  const auto ending = ending_of(folder);
  std::error_code ignored;
  const bool has_lines = fs::file_size(folder + "/metrics.jsonl", ignored) > 0 && !ignored;
  if (!has_checkpoint && !has_lines && !(ending && ending->finished()))
    return;  // it ended before its first round: there is nothing to lose
  if (ending && !ending->finished() && !has_checkpoint)
    throw Failure(Exit::usage, folder +
                                   ": holds a run that ended before its first checkpoint; choose another folder with "
                                   "--out, or overwrite it with --force");
  if (ending && ending->finished())
    throw Failure(Exit::usage,
                  folder + ": holds a finished run; choose another folder with --out, or overwrite it with --force" +
                      (has_checkpoint ? ", or extend it with " + resume + " --set run.rounds=..." : ""));
  throw Failure(Exit::usage, folder + ": holds a run that is not finished; go on with it with " + resume +
                                 ", or overwrite it with --force");
}

/// What could not be used stays for whoever can use it, out of the way of the new run's.
void set_aside(const std::vector<std::string>& files) {
  std::error_code ignored;
  for (const std::string& file : files) fs::rename(file, file + ".unusable", ignored);
}

/// The checkpoint that --resume-or-start goes on from; none: the run starts anew.
std::optional<Checkpoint> checkpoint_or_none(const RunConfig& config,
                                             const std::function<void(const std::string&)>& warn) {
  auto from = find_checkpoint(config.out, warn);
  if (from) return from;
  if (const auto ending = ending_of(config.out); ending && ending->finished())
    throw Failure(Exit::usage, config.out +
                                   ": holds a finished run without a checkpoint to extend it from; choose another "
                                   "folder with --out, or overwrite it with --force");
  set_aside(checkpoint_files(config.out));
  return std::nullopt;
}

std::optional<Checkpoint> find_beginning(const RunOptions& options, RunConfig& config,
                                         const std::function<void(const std::string&)>& warn) {
  if (!options.resume.empty()) return read_checkpoint(config.out, warn);
  if (!options.resume_or_start) {
    if (!options.force) refuse_to_overwrite(config.out);
    return std::nullopt;
  }
  auto from = checkpoint_or_none(config, warn);
  if (from) config.faults.inject.clear();  // or one that ended the run would end it for ever
  return from;
}

/// The line that ended a run is not one of a run that goes on with more rounds, unless it was due anyway.
ExpectedLines lines_until(const RunConfig& config, const Checkpoint& from) {
  const bool over = reason_to_stop(config, from.final_last) != nullptr;
  return {over ? from.final_last.round : from.last.round,
          config.evaluate_every.value_or(std::numeric_limits<std::uint64_t>::max())};
}

/// A run goes on, never back.
void require_rounds_ahead(const RunConfig& config, const Checkpoint& from) {
  if (from.round <= config.rounds) return;
  throw Failure(Exit::usage, config.out + ": its checkpoint is of round " + std::to_string(from.round) +
                                 ", beyond run.rounds = " + std::to_string(config.rounds) +
                                 "; ask for more rounds than that, or start anew with --force");
}

}  // namespace

RunConfig config_of(const RunOptions& options) {
  if (options.resume.empty()) return load_config(options.config, options.set, options.out, options.data_is_elsewhere);
  return resumed_config(options);
}

bool nothing_left(const RunOptions& options, const RunConfig& config, bool quiet) {
  if (options.resume.empty() && !options.resume_or_start) return false;
  const auto ending = ending_of(config.out);
  if (!ending || !ending->finished()) return false;
  const bool diverged = ending->stopped_by == "diverged" && options.resume_or_start;
  if (!diverged && reason_to_stop(config, ending->last) == nullptr) return false;
  const auto ignored = [](const std::string&) {};
  if (const auto from = find_checkpoint(config.out, ignored)) require_continuation(config, *from);
  if (!quiet)
    std::fprintf(stderr, "%s: this run is finished: stopped by %s after round %llu; nothing is left to do\n",
                 config.out.c_str(), harmless(ending->stopped_by).c_str(),
                 static_cast<unsigned long long>(ending->last.round));
  return true;
}

Assignment assignment_of(const RunOptions& options, RunConfig config) {
  RunDirectory directory(config.out);
  std::vector<std::string> passed_over;
  auto from = find_beginning(options, config, [&](const std::string& text) {
    std::fprintf(stderr, "threepc: warning: %s\n", text.c_str());
    passed_over.push_back(text);
  });
  if (!from) {
    directory.start(to_toml(config));
  } else {
    require_continuation(config, *from);
    require_rounds_ahead(config, *from);
    directory.go_on(to_toml(config), lines_until(config, *from));
  }
  return {std::move(config), std::move(directory), std::move(from), std::move(passed_over)};
}

}  // namespace threepc
