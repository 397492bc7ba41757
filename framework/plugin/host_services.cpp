// tpc_host: logging, the clock, and random numbers.
#include "plugin/host_services.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "plugin/instances.hpp"

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
  const auto round = context->round;
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(context->seed), static_cast<std::uint32_t>(context->seed >> 32)}};
  const std::uint32_t stream = context->stream << 16 | (static_cast<std::uint32_t>(round >> 32) & 0xffff);

  r123::Philox4x32 philox;
  for (std::uint64_t block = first / 4; count > 0; ++block) {
    const r123::Philox4x32::ctr_type counter = {
        {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(round), worker, stream}};
    const auto drawn = philox(counter, key);
    const std::size_t used = std::min<std::size_t>(count, 4);
    words = std::copy_n(drawn.begin(), used, words);
    count -= used;
  }
}

tpc_host services = {sizeof(tpc_host), TPC_LOG_WARNING, log, random, now};

}  // namespace

const tpc_host& host_services() { return services; }

void set_log_sink(Sink to, tpc_log_level threshold) {
  sink = to;
  services.log_threshold = threshold;
}

}  // namespace threepc
