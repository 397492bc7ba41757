#include "record/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>

#include "failure.hpp"
#include "plugin/host_services.hpp"
#include "plugin/instances.hpp"
#include "record/descriptor.hpp"
#include "record/durable_file.hpp"

namespace threepc {
namespace {

std::shared_ptr<spdlog::logger> logger;

/// Plugins may log from any thread; spdlog's sinks lock.
void from_plugin(tpc_log_level level, const char* source, const char* text) {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                         spdlog::level::err};
  logger->log(level < std::size(levels) ? levels[level] : spdlog::level::err, "{}: {}", source, harmless(text));
}

/// A log that cannot be written is no reason to end a run. spdlog would say it once a second.
void say_once(const std::string& text, bool quiet) {
  static std::atomic<bool> said = false;
  if (!said.exchange(true) && !quiet)
    std::fprintf(stderr, "threepc: warning: the log cannot be written: %s; the run goes on without\n", text.c_str());
}

/// Writes nothing if the file cannot be opened.
spdlog::sink_ptr file_sink(const std::string& file, bool at_end) {
  const std::string folder = std::filesystem::path(file).parent_path().string();
  // Made here, because spdlog would make it for all to read.
  Descriptor(open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode_of_files_in(folder))).reset();
  try {
    const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file, !at_end);
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    return sink;
  } catch (const spdlog::spdlog_ex& error) {
    say_once(error.what(), false);
    return std::make_shared<spdlog::sinks::null_sink_mt>();
  }
}

}  // namespace

void open_log(const std::string& file, bool quiet, bool at_end) {
  const auto to_stderr = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  to_stderr->set_level(quiet ? spdlog::level::off : spdlog::level::warn);
  to_stderr->set_pattern("threepc: %l: %v");
  logger = std::make_shared<spdlog::logger>("threepc", spdlog::sinks_init_list{file_sink(file, at_end), to_stderr});
  logger->set_error_handler([quiet](const std::string& text) { say_once(text, quiet); });
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
  try {
    logger->sinks().front()->log({logger->name(), spdlog::level::err, text});
  } catch (const spdlog::spdlog_ex& error) {
    say_once(error.what(), true);
  }
  logger->flush();
}

}  // namespace threepc
