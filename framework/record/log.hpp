// log.txt of a run, and warnings on stderr. Results never go here.
#pragma once

#include <string>

namespace threepc {

/// From now on everything goes into `file`, anew or at its end; warnings and errors of plugins also to stderr unless
/// quiet.
void open_log(const std::string& file, bool quiet, bool at_end);
/// Writes out and closes; plugins may still log, into nothing.
void close_log();

void log_info(const std::string& text);
void log_warning(const std::string& text);  // also to stderr, unless quiet
void log_error(const std::string& text);

}  // namespace threepc
