#include "report/report.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "report/milestones.hpp"
#include "report/page.hpp"
#include "report/run_record.hpp"
#include "report/thinning.hpp"

namespace threepc::report {
namespace fs = std::filesystem;
namespace {

bool is_report(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string start(1024, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start.find(page_mark) != std::string::npos;
}

void refuse_other_files(const ReportOptions& options) {
  std::error_code ignored;
  const fs::file_status status = fs::status(options.out, ignored);
  if (!fs::exists(status)) return;
  if (!fs::is_regular_file(status))
    throw Failure(Exit::usage, options.out +
                                   ": is not a file that a report can be written to; name one with --out, "
                                   "such as --out report.html");
  if (!options.force && !is_report(options.out))
    throw Failure(Exit::usage, options.out +
                                   ": exists and is not a report; choose another file with --out, or overwrite it "
                                   "with --force");
}

/// Of one run: as many as a curve can show, fewer when many runs share the page.
std::size_t most_points(std::size_t runs) { return std::clamp<std::size_t>(150'000 / runs, 500, 10'000); }

/// Each folder once, however often and in whatever spelling it was given.
std::vector<RunRecord> read_runs(const std::vector<std::string>& folders) {
  std::vector<RunRecord> runs;
  std::set<fs::path> seen;
  for (const std::string& folder : folders)
    if (seen.insert(fs::weakly_canonical(folder)).second) {
      RunRecord& run = runs.emplace_back(read_run(folder));
      run.milestones = milestones(run);
      thin(run, most_points(folders.size()));
    }
  return runs;
}

/// A pipe of that name would be written to for ever.
void refuse_what_is_no_file(const std::string& partial) {
  std::error_code ignored;
  const fs::file_status status = fs::status(partial, ignored);
  if (!fs::exists(status) || fs::is_regular_file(status)) return;
  throw Failure(Exit::usage, partial +
                                 ": the page is first written here, but this is not a file; remove it, or choose "
                                 "another file with --out");
}

/// Written beside the target and renamed over it, so that a browser that reloads sees the old page or the new one.
void replace(const std::string& file, const std::string& content) {
  const std::string partial = file + ".partial";
  refuse_what_is_no_file(partial);
  std::ofstream out(partial, std::ios::binary);
  out << content;
  out.close();
  std::error_code failed;
  if (out) fs::rename(partial, file, failed);
  if (out && !failed) return;
  std::error_code ignored;
  fs::remove(partial, ignored);
  throw Failure(Exit::unexpected, file +
                                      ": cannot be written; look at the folder's permissions and the disk's space, or "
                                      "choose another file with --out");
}

}  // namespace

Exit write_report(const ReportOptions& options) {
  refuse_other_files(options);
  replace(options.out, page(page_data(read_runs(options.runs))));
  if (!options.quiet) std::puts(options.out.c_str());
  return Exit::done;
}

}  // namespace threepc::report
