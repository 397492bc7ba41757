// tpc_host: logging, the clock, and random numbers.
#include "plugin/host_services.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string_view>

#include "plugin/instances.hpp"
#include "vector/kernels/philox.hpp"
#include "vector/kernels/table.hpp"

namespace threepc {
namespace {

using Sink = void (*)(tpc_log_level, const char*, const char*);
std::atomic<Sink> sink{nullptr};

void log(tpc_log_level level, const char* source, const char* text) {
  if (level < host_services().log_threshold) return;
  if (const Sink to = sink.load()) to(level, source, text);
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Philox4x32-10 with the run's seed as key and (block, round, worker, stream) as counter, so that any word
/// of any stream can be had directly and no two streams meet.
void random(const tpc_context* context, tpc_scope scope, std::uint64_t first, std::uint32_t* words, std::size_t count) {
  const std::uint32_t worker = scope == TPC_SHARED ? TPC_SERVER : context->worker;
  const std::uint64_t round = context->round;
  const std::array key = {static_cast<std::uint32_t>(context->seed), static_cast<std::uint32_t>(context->seed >> 32)};
  const std::array counter = {static_cast<std::uint32_t>(round), worker,
                              context->stream << 16 | (static_cast<std::uint32_t>(round >> 32) & 0xffff)};
  const auto block = static_cast<std::uint32_t>(first / 4);
  const std::size_t whole = count / 4;
  kernels::philox(key, counter, block, whole, words);
  if (count % 4 == 0) return;
  std::array<std::uint32_t, 4> last;
  kernels::philox(key, counter, block + static_cast<std::uint32_t>(whole), 1, last.data());
  std::copy_n(last.begin(), count % 4, words + 4 * whole);
}

const void* extension(const char* name) { return std::string_view(name) == TPC_KERNELS ? &kernels::table() : nullptr; }

tpc_host services = {sizeof(tpc_host), TPC_LOG_WARNING, log, random, now, extension};

}  // namespace

const tpc_host& host_services() { return services; }

void set_log_sink(Sink to, tpc_log_level threshold) {
  sink = to;
  services.log_threshold = threshold;
}

}  // namespace threepc
