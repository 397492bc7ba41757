#include "runtime/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

#include "config/handover.hpp"
#include "config/run_config.hpp"
#include "members/peers/coordinator.hpp"
#include "members/star/server.hpp"
#include "members/worker.hpp"
#include "plugin/calls.hpp"
#include "plugin/crash.hpp"
#include "plugin/streams.hpp"
#include "record/log.hpp"
#include "record/progress.hpp"
#include "runtime/assignment.hpp"
#include "runtime/join_token.hpp"
#include "runtime/launcher.hpp"
#include "runtime/placed.hpp"
#include "shell.hpp"
#include "signals.hpp"
#include "version.hpp"

namespace threepc {
namespace {

Exit exit_of(const Summary& summary) {
  if (summary.stopped_by == "diverged") return Exit::diverged;
  return summary.stopped_by == "interrupted" ? Exit::interrupted : Exit::done;
}

std::string host_name() {
  char host[256] = "";
  return gethostname(host, sizeof host - 1) == 0 ? host : "localhost";
}

/// How long the round may still take after Ctrl+C, at least. Whoever starts all members together, as mpirun does, kills
/// them a second after it has asked: by then the checkpoint and the summary are written.
constexpr std::chrono::milliseconds round_patience{2000}, round_patience_placed{300};

/// What run and serve share: who leads the run, its run directory, and whoever provides the workers.
class Session {
 public:
  Session(const RunOptions& options, Assignment assignment, std::chrono::milliseconds patience = round_patience)
      : options_(options),
        least_patience_(patience),
        assignment_(std::move(assignment)),
        config_(assignment_.config),
        directory_(assignment_.directory),
        progress_(config_, options.quiet ? Progress::Style::quiet : Progress::style_of_stderr()),
        transport_(config_.transport, {config_.dtype, 0, config_.workers, TPC_SERVER, config_.seed},
                   streams::transport),
        channel_(transport_, config_.timeout, [this] { watch(); }),
        conductor_(make_conductor()) {
    end_crashes_with_a_code();
    open_log(directory_.log_file(), options.quiet, assignment_.from.has_value());
    log_info(std::string("threepc ") + version() + ", configuration " + config_.file + ", process " +
             std::to_string(getpid()) + " on " + host_name());
    for (const Rejected& file : config_.catalog->rejected()) log_info("ignored: " + file.reason);
    for (const std::string& warning : config_.catalog->warnings()) log_warning(warning);
    for (const std::string& text : assignment_.passed_over) log_info(text);
    for (const std::string& text : directory_.take_warnings()) log_warning(text);
    if (assignment_.from) go_on(*assignment_.from);
    if (options.profile) conductor_->measure_time(!options.trace.empty());
  }
  ~Session() { close_log(); }

  /// `start` gets the address and returns the workers, or nullptr if they come by themselves.
  Exit run(const std::string& listen, const std::function<std::unique_ptr<LocalWorkers>(const std::string&)>& start) {
    channel_.open(listen);
    progress_.wait("waiting for " + std::to_string(config_.workers) + " workers over " +
                   config_.transport.descriptor->id);
    workers_ = start(transport_.address());
    const Summary summary = serve();
    if (workers_) workers_->finish();
    log_info("stopped by " + summary.stopped_by + " after round " + std::to_string(summary.last.round) + ", x_hash " +
             summary.x_hash);
    progress_.end_line();
    if (options_.profile) directory_.save_profile(conductor_->profile(), options_.trace);
    if (!options_.quiet) std::fputs(final_table(config_, summary).c_str(), stdout);
    if (!options_.quiet && options_.profile) std::fputs(profile_table(conductor_->profile()).c_str(), stdout);
    require_written(summary);
    return exit_of(summary);
  }

  const RunConfig& config() const { return config_; }
  Progress& progress() { return progress_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::unique_ptr<Conductor> make_conductor() {
    if (config_.topology) return std::make_unique<Coordinator>(config_, channel_, directory_, progress_);
    return std::make_unique<Server>(config_, channel_, directory_, progress_);
  }

  void go_on(const Checkpoint& from) {
    log_info("resumed after round " + std::to_string(from.round));
    conductor_->resume(from);
    if (options_.resume.empty()) return;
    for (const std::string& folder : config_.plugin_path) {
      const std::string text = "plugins of " + folder + ", as " + config_.file + " says";
      log_info(text);
      progress_.note(text);
    }
  }

  /// The hash is what a run was for, even if nothing else of it can be kept.
  void require_written(const Summary& summary) const {
    if (directory_.fault().empty()) return;
    const Failure failure(Exit::unexpected, directory_.fault() +
                                                "; free the disk, then go on from the last checkpoint" +
                                                " with --resume or run again; x_hash is " + summary.x_hash);
    log_error(failure.what());
    throw failure;
  }

  void watch() {
    if (StopSignals::requested()) stop_with_a_checkpoint();
    if (workers_) workers_->watch(conductor_->takes_in());
  }

  /// After Ctrl+C the round ends first, because a checkpoint is of the end of a round. One that takes far longer than
  /// those before is not waited for: a worker may be dead, and whoever sent the signal has a limit as well.
  void stop_with_a_checkpoint() {
    if (!conductor_->in_rounds()) throw Interrupted{};
    if (!asked_to_stop_) asked_to_stop_ = Clock::now();
    const auto waited = Clock::now() - *asked_to_stop_;
    const auto patience = 2 * std::chrono::nanoseconds(conductor_->longest_round());
    if (waited > std::max<std::chrono::nanoseconds>(patience, least_patience_)) throw Interrupted{};
    if (waited > std::chrono::seconds(1) && !std::exchange(said_to_stop_, true))
      progress_.note("stopping with a checkpoint when the round has ended; Ctrl+C again ends at once, without one");
  }

  Summary serve() {
    try {
      return conductor_->run();
    } catch (const Failure& failure) {
      const auto more = workers_ && failure.code() == Exit::peer ? workers_->post_mortem() : std::nullopt;
      const bool said = !more || std::string(failure.what()).find(more->what()) != std::string::npos;
      const Failure whole(more ? more->code() : failure.code(),
                          failure.what() + (said ? "" : std::string("; ") + more->what()));
      log_error(whole.what());
      throw whole;
    }
  }

  const RunOptions& options_;
  std::chrono::milliseconds least_patience_;
  StopSignals signals_;
  Assignment assignment_;
  const RunConfig& config_;
  RunDirectory& directory_;
  Progress progress_;
  Transport transport_;
  Channel channel_;
  std::unique_ptr<Conductor> conductor_;
  std::optional<Clock::time_point> asked_to_stop_;
  bool said_to_stop_ = false;
  std::unique_ptr<LocalWorkers> workers_;
};

/// An address to connect to. A server that listens on every address of its host is at the host's name.
std::string for_workers(const std::string& address) {
  for (const std::string everywhere : {"0.0.0.0:", "[::]:"})
    if (address.starts_with(everywhere)) return host_name() + address.substr(everywhere.size() - 1);
  return address;
}

/// What starts a worker of this run. A pipe can be read only once, so the run directory's copy is named then.
std::string worker_command(const RunConfig& config, const std::string& address) {
  const bool again = std::filesystem::is_regular_file(config.file) && !config.file.starts_with("/dev/");
  std::string text = "threepc work " + for_shell(again ? config.file : config.out + "/config.toml");
  if (again)
    for (const std::string& set : config.overrides) text += " --set " + for_shell(set);
  return text + " --rank I --connect " + for_workers(address);
}

bool in_process(const RunConfig& config) { return (config.transport.descriptor->capabilities & TPC_IN_PROCESS) != 0; }

void refuse_in_process(const RunConfig& config, const char* command) {
  if (in_process(config))
    throw Failure(Exit::usage, std::string("threepc ") + command +
                                   " is for workers on several hosts, but the transport '" +
                                   config.transport.descriptor->id +
                                   "' stays inside one process; use threepc run, or --set transport.plugin=tcp");
}

/// For how long a worker that has lost its server goes on trying.
class Retry {
 public:
  explicit Retry(std::optional<double> seconds) : seconds_(seconds) {}
  void joined() { since_ = Clock::now(); }
  /// Whether to try again, after a short pause.
  bool again() const {
    if (!seconds_ || Clock::now() - since_ > std::chrono::duration<double>(*seconds_)) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<double> seconds_;
  Clock::time_point since_ = Clock::now();  // it was part of a run, or began to try
};

void leave_when_asked() {
  if (StopSignals::requested()) throw Interrupted{};
}

/// From joining to the end of the run, or until Ctrl+C, which then ends this worker's part in it for good.
Exit take_part(Worker& worker, const std::string& server, Retry& retry) {
  worker.join(server);
  const StopSignals signals;  // before, there is nothing to leave: a signal just ends the process
  retry.joined();
  try {
    while (worker.serve_one()) continue;
    return Exit::done;
  } catch (const Interrupted&) {
    worker.leave();
    return Exit::interrupted;
  }
}

/// Member 0 is the server and speaks for all.
Exit run_placed(const RunOptions& options, RunConfig config, const Place& place) {
  try {
    require_fitting(config, place);
  } catch (const Failure& failure) {
    if (place.member == 0) throw;
    return failure.code();
  }
  if (place.member > 0) return work_placed(config, place.member - 1);
  Session session(options, assignment_of(options, std::move(config)), round_patience_placed);
  return session.run("", [](const std::string&) { return nullptr; });
}

}  // namespace

Exit run(const RunOptions& options) {
  RunConfig config = config_of(options);
  const auto place = Transport::place(config.transport);
  if (!place && !options.alone) refuse_forgotten_job(config);
  if (nothing_left(options, config, options.quiet || (place && place->member > 0))) return Exit::done;
  if (place) return run_placed(options, std::move(config), *place);
  if (!in_process(config)) draw_join_token();
  Session session(options, assignment_of(options, std::move(config)));
  return session.run("", [&](const std::string& address) {
    const RunConfig& settled = session.config();
    return in_process(settled) ? start_worker_threads(settled, address) : start_worker_processes(settled, address);
  });
}

Exit serve(const RunOptions& given, const std::string& listen) {
  RunOptions options = given;
  options.data_is_elsewhere = true;
  RunConfig config = config_of(options);
  refuse_in_process(config, "serve");
  refuse_placed(config, "serve");
  if (nothing_left(options, config, options.quiet)) return Exit::done;
  Session session(options, assignment_of(options, std::move(config)));
  return session.run(listen, [&](const std::string& address) -> std::unique_ptr<LocalWorkers> {
    session.progress().note("listening at " + address + " for " + std::to_string(session.config().workers) +
                            " workers; start each with: " + worker_command(session.config(), address));
    return nullptr;
  });
}

Exit work(const RunOptions& options, std::uint32_t rank, const std::string& connect) {
  const RunConfig config = options.descriptor >= 0 ? take_over(options.descriptor, options.config)
                                                   : load_config(options.config, options.set);
  for (const std::string& warning : config.catalog->warnings())
    std::fprintf(stderr, "threepc: warning: %s\n", warning.c_str());
  refuse_in_process(config, "work");
  refuse_placed(config, "work");
  if (rank >= config.workers)
    throw Failure(Exit::usage, "--rank " + std::to_string(rank) + ": this run has " + std::to_string(config.workers) +
                                   " workers, ranks 0 to " + std::to_string(config.workers - 1));
  // A little before whoever waits for this worker gives up on it.
  const CallWatchdog watchdog(0.9 * config.timeout,
                              [](const std::string& text) { std::fprintf(stderr, "threepc: %s\n", text.c_str()); });
  for (Retry retry(options.retry);;) {
    try {
      return take_part(*make_worker(config, rank, leave_when_asked), connect, retry);
    } catch (const Failure& failure) {
      if (failure.code() != Exit::peer || !retry.again()) throw;
      std::fprintf(stderr, "threepc: %s; trying to join again\n", failure.what());
    }
  }
}

}  // namespace threepc
