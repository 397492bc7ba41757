#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "members/channel.hpp"
#include "members/worker.hpp"
#include "plugin/calls.hpp"
#include "runtime/launcher.hpp"

namespace threepc {
namespace {

/// Thread t drives the workers t, t + threads, ...; one message of each in turn. The server speaks to all
/// workers before it waits for any, so taking turns never blocks.
class WorkerThreads final : public LocalWorkers {
 public:
  WorkerThreads(const RunConfig& config, const std::string& address) : timeout_(config.timeout) {
    const std::uint32_t processors = std::max(1U, std::thread::hardware_concurrency());
    const std::uint32_t threads = std::min(config.threads.value_or(processors), config.workers);
    running_ = threads;
    for (std::uint32_t t = 0; t < threads; ++t)
      threads_.emplace_back([this, &config, address, t, threads] { drive(config, address, t, threads); });
  }

  ~WorkerThreads() override { finish(); }

  void watch(bool) override {
    calls_.look();
    if (const auto stuck = stuck_call(timeout_)) throw *stuck;
    const std::lock_guard lock(mutex_);
    if (failure_) throw *failure_;
  }

  /// The look that found it first may have come a little after the wait for it began.
  std::optional<Failure> post_mortem() override {
    calls_.look();
    return stuck_call(timeout_ / 2);
  }

  /// A thread that hangs in a plugin cannot be ended alone: then the process ends, rather than wait for ever.
  void finish() override {
    const double patience = stuck_ ? std::min(timeout_, grace) : timeout_;
    for (double waited = 0; waited < patience && !all_end_within(look_every); waited += look_every) calls_.look();
    if (!all_end_within(0)) give_up(patience);
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  static constexpr double look_every = 0.1, grace = 1;  // s

  std::optional<Failure> stuck_call(double seconds) {
    const std::vector<LongCall> found = calls_.longer_than(seconds);
    if (found.empty()) return std::nullopt;
    stuck_ = true;
    return Failure(Exit::plugin, text_of(found.front()) + " ([transport] timeout = " + seconds_text(timeout_) + ")");
  }

  bool all_end_within(double seconds) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return running_ == 0; });
  }

  [[noreturn]] void give_up(double patience) {
    const std::vector<LongCall> found = calls_.longer_than(patience / 2);
    const std::string what = found.empty() ? "a worker thread" : text_of(found.front()) + "; its thread";
    std::fprintf(stderr, "threepc: %s did not end within %g s of the run's end; giving up on it\n", what.c_str(),
                 patience);
    std::_Exit(static_cast<int>(found.empty() ? Exit::peer : Exit::plugin));
  }

  void drive(const RunConfig& config, const std::string& address, std::uint32_t first, std::uint32_t stride) {
    std::vector<std::pair<std::uint32_t, std::unique_ptr<Worker>>> workers;
    std::uint32_t rank = first;
    try {
      for (; rank < config.workers; rank += stride) {
        workers.emplace_back(rank, make_worker(config, rank));
        workers.back().second->join(address);
      }
      while (!workers.empty())
        std::erase_if(workers, [&](const auto& worker) { return rank = worker.first, !worker.second->serve_one(); });
    } catch (const Failure& failure) {
      note(failure.code(), rank, failure.what());
    } catch (const std::exception& error) {
      note(Exit::unexpected, rank, error.what());
    }
    workers.clear();  // only now do the others see them leave: the reason is noted before
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }

  void note(Exit code, std::uint32_t rank, const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::make_unique<Failure>(code, "worker " + std::to_string(rank) + ": " + what);
  }

  double timeout_;
  CallWatch calls_;     // of the thread that waits
  bool stuck_ = false;  // a worker is known not to come back
  std::mutex mutex_;
  std::condition_variable ended_;
  std::uint32_t running_ = 0;
  std::unique_ptr<Failure> failure_;  // the first
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<LocalWorkers> start_worker_threads(const RunConfig& config, const std::string& address) {
  return std::make_unique<WorkerThreads>(config, address);
}

}  // namespace threepc
