// The HTML page of a report.
#pragma once

#include <string>
#include <vector>

#include "report/run_record.hpp"

namespace threepc::report {

/// The mark by which a page is known, in the first 1024 bytes of the file.
inline constexpr const char* page_mark = "<meta name=\"generator\" content=\"threepc report\">";

/// What the page draws, as docs/report.md describes it.
Json page_data(const std::vector<RunRecord>& runs);

/// The page, complete: it loads nothing. Names and values from the runs' files are data in it, never markup.
std::string page(const Json& data);

}  // namespace threepc::report
