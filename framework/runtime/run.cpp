#include "runtime/run.hpp"

#include <cstdio>
#include <functional>

#include "config/run_config.hpp"
#include "record/log.hpp"
#include "record/progress.hpp"
#include "record/run_directory.hpp"
#include "runtime/launcher.hpp"
#include "runtime/placed.hpp"
#include "runtime/server.hpp"
#include "runtime/signals.hpp"
#include "runtime/worker.hpp"
#include "version.hpp"

namespace threepc {
namespace {

Exit exit_of(const Summary& summary) {
  if (summary.stopped_by == "diverged") return Exit::diverged;
  return summary.stopped_by == "interrupted" ? Exit::interrupted : Exit::done;
}

/// What run and serve share: a server, its run directory, and whoever provides the workers.
class Session {
 public:
  Session(const RunOptions& options, RunConfig config)
      : options_(options),
        config_(std::move(config)),
        directory_(config_.out, to_toml(config_), options.force),
        progress_(config_, options.quiet ? Progress::Style::quiet : Progress::style_of_stderr()),
        transport_(config_.transport, {config_.dtype, 0, config_.workers, TPC_SERVER, config_.seed}, transport_stream),
        channel_(transport_, config_.timeout, [this] { watch(); }) {
    open_log(directory_.log_file(), options.quiet);
    log_info(std::string("threepc ") + version() + ", configuration " + config_.file);
    for (const Rejected& file : config_.catalog->rejected()) log_info("ignored: " + file.reason);
  }
  ~Session() { close_log(); }

  /// `start` gets the address and returns the workers, or nullptr if they come by themselves.
  Exit run(const std::string& listen, const std::function<std::unique_ptr<LocalWorkers>(const std::string&)>& start) {
    channel_.open(listen);
    workers_ = start(transport_.address());
    const Summary summary = serve();
    if (workers_) workers_->finish();
    log_info("stopped by " + summary.stopped_by + " after round " + std::to_string(summary.last.round) + ", x_hash " +
             summary.x_hash);
    progress_.end_line();
    if (!options_.quiet) std::fputs(final_table(config_, summary).c_str(), stdout);
    return exit_of(summary);
  }

  const RunConfig& config() const { return config_; }
  Progress& progress() { return progress_; }

 private:
  void watch() {
    if (StopSignals::requested()) throw Interrupted{};
    if (workers_) workers_->watch();
  }

  Summary serve() {
    try {
      return Server(config_, channel_, directory_, progress_).run();
    } catch (const Failure& failure) {
      const std::string more = workers_ && failure.code() == Exit::peer ? workers_->post_mortem() : "";
      const bool said = std::string(failure.what()).find(more) != std::string::npos;
      const Failure whole(failure.code(), failure.what() + (said ? "" : "; " + more));
      log_error(whole.what());
      throw whole;
    }
  }

  const RunOptions& options_;
  StopSignals signals_;
  RunConfig config_;
  RunDirectory directory_;
  Progress progress_;
  Transport transport_;
  Channel channel_;
  std::unique_ptr<LocalWorkers> workers_;
};

bool in_process(const RunConfig& config) { return (config.transport.descriptor->capabilities & TPC_IN_PROCESS) != 0; }

void refuse_in_process(const RunConfig& config, const char* command) {
  if (in_process(config))
    throw Failure(Exit::usage, std::string("threepc ") + command +
                                   " is for workers on several hosts, but the transport '" +
                                   config.transport.descriptor->id +
                                   "' stays inside one process; use threepc run, or --set transport.plugin=tcp");
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
  Session session(options, std::move(config));
  return session.run("", [](const std::string&) { return nullptr; });
}

}  // namespace

Exit run(const RunOptions& options) {
  RunConfig loaded = load_config(options.config, options.set, options.out);
  if (const auto place = Transport::place(loaded.transport)) return run_placed(options, std::move(loaded), *place);
  Session session(options, std::move(loaded));
  return session.run("", [&](const std::string& address) {
    const RunConfig& config = session.config();
    return in_process(config) ? start_worker_threads(config, address) : start_worker_processes(config, address);
  });
}

Exit serve(const RunOptions& options, const std::string& listen) {
  RunConfig config = load_config(options.config, options.set, options.out);
  refuse_in_process(config, "serve");
  refuse_placed(config, "serve");
  Session session(options, std::move(config));
  return session.run(listen, [&](const std::string& address) -> std::unique_ptr<LocalWorkers> {
    session.progress().note("listening at " + address + " for " + std::to_string(session.config().workers) +
                            " workers; start each with: threepc work " + options.config + " --rank I --connect " +
                            address);
    return nullptr;
  });
}

Exit work(const RunOptions& options, std::uint32_t rank, const std::string& connect) {
  const RunConfig config = load_config(options.config, options.set);
  refuse_in_process(config, "work");
  refuse_placed(config, "work");
  if (rank >= config.workers)
    throw Failure(Exit::usage, "--rank " + std::to_string(rank) + ": this run has " + std::to_string(config.workers) +
                                   " workers, ranks 0 to " + std::to_string(config.workers - 1));
  Worker worker(config, rank);
  worker.join(connect);
  while (worker.serve_one()) continue;
  return Exit::done;
}

}  // namespace threepc
