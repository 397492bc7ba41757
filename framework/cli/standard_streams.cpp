#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace threepc::cli {

/// open() takes the lowest descriptor that is free, which is the one that was found closed.
void make_streams_safe() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", stream == STDIN_FILENO ? O_RDONLY : O_WRONLY);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

Exit require_printed(Exit code) {
  const bool failed_before = std::ferror(stdout) != 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && !failed_before) return code;
  std::fprintf(stderr, "threepc: standard output: what was printed is not complete: %s\n",
               flushed ? "it could not be written" : std::strerror(errno));
  return code == Exit::done ? Exit::unexpected : code;
}

}  // namespace threepc::cli
