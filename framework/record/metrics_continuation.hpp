// metrics.jsonl of a run that goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace threepc {

/// What the lines of a run must be: of rounds up to `last`, that included, no two further apart than `every`.
struct ExpectedLines {
  std::uint64_t last, every;
};

struct Continuation {
  std::uint64_t size = 0;             // of the file: what follows is to be appended there
  std::vector<std::string> warnings;  // what is unreadable or missing, with its line
};

/// Keeps all readable lines of rounds up to `expected.last`. Lines that cannot be read, or that are of no later round
/// than the one before, are left out, and the file as it was is kept beside as metrics.jsonl.damaged. What comes after
/// the last line to keep is not cut here. Throws Failure(Exit::unexpected) if a new file is needed and cannot be
/// written; the old one is then untouched.
Continuation continue_metrics(const std::string& file, const ExpectedLines& expected);

}  // namespace threepc
