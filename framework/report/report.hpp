// threepc report
#pragma once

#include <string>
#include <vector>

#include "failure.hpp"

namespace threepc::report {

struct ReportOptions {
  std::vector<std::string> runs;    // folders of runs
  std::string out = "report.html";  // an earlier report is replaced
  bool force = false;               // replace any other file, too
  bool quiet = false;               // do not print the path
};

/// Writes one page about all runs and prints its path. Throws Failure(Exit::usage) for a folder that is no run or a
/// file that is no report, Failure(Exit::data) for malformed metrics, Failure(Exit::unexpected) for a file that cannot
/// be written; an existing page is then as it was.
Exit write_report(const ReportOptions& options);

}  // namespace threepc::report
