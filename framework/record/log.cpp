#include "record/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <memory>

#include "failure.hpp"
#include "plugin/instances.hpp"

namespace threepc {
namespace {

std::shared_ptr<spdlog::logger> logger;

/// Plugins may log from any thread; spdlog's sinks lock.
void from_plugin(tpc_log_level level, const char* source, const char* text) {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                         spdlog::level::err};
  logger->log(level < std::size(levels) ? levels[level] : spdlog::level::err, "{}: {}", source, harmless(text));
}

}  // namespace

void open_log(const std::string& file, bool quiet, bool at_end) {
  const auto to_file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file, !at_end);
  const auto to_stderr = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  to_stderr->set_level(quiet ? spdlog::level::off : spdlog::level::warn);
  to_stderr->set_pattern("threepc: %l: %v");
  to_file->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger = std::make_shared<spdlog::logger>("threepc", spdlog::sinks_init_list{to_file, to_stderr});
  logger->flush_on(spdlog::level::info);
  set_log_sink(from_plugin, TPC_LOG_INFO);
}

void close_log() {
  set_log_sink(nullptr, TPC_LOG_ERROR);
  if (logger) logger->flush();
}

void log_info(const std::string& text) {
  if (logger) logger->info("{}", harmless(text));
}

void log_warning(const std::string& text) {
  if (logger) logger->warn("{}", harmless(text));
}

void log_error(const std::string& text) {
  if (!logger) return;
  // The program prints the failure itself, once; here it is for the file alone.
  logger->sinks().front()->log({logger->name(), spdlog::level::err, text});
  logger->flush();
}

}  // namespace threepc
