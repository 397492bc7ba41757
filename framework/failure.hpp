// The one exception type that ends a run, and what it tells the shell.
#pragma once

#include <stdexcept>
#include <string>

namespace threepc {

/// Exit codes of the program; scripts rely on them.
enum class Exit : int {
  done = 0,
  unexpected = 1,
  usage = 2,     // command line or configuration
  diverged = 3,  // NaN, infinity, or [run.stop] divergence
  peer = 4,      // a peer was lost or timed out
  plugin = 5,    // a plugin could not be loaded or misbehaved
  data = 6,
  interrupted = 130,
};

/// Fit for a terminal, which would obey control characters: files, peers and plugins have their say in our texts.
inline std::string harmless(std::string text) {
  for (char& c : text)
    if (c == '\t')
      c = ' ';
    else if ((static_cast<unsigned char>(c) < ' ' && c != '\n') || c == '\x7f')
      c = '?';
  return text;
}

/// What went wrong, for a person: where, what was expected, what was seen, what to do.
class Failure : public std::runtime_error {
 public:
  Failure(Exit code, const std::string& what) : std::runtime_error(harmless(what)), code_(code) {}
  Exit code() const noexcept { return code_; }

 private:
  Exit code_;
};

}  // namespace threepc
