#include "sweep/reproduce.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "nearest.hpp"
#include "sweep/comparison.hpp"
#include "sweep/figure.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

/// bin/threepc finds share/threepc/configs/paper beside bin, in the build tree and where it is installed.
fs::path experiments_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/threepc/configs/paper";
}

std::vector<std::string> experiments() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(experiments_folder(), ignored))
    if (item.path().extension() == ".toml") names.push_back(item.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string file_of(const std::string& name) {
  if (name.ends_with(".toml")) return name;
  const fs::path file = experiments_folder() / (name + ".toml");
  if (fs::is_regular_file(file)) return file.string();
  const std::vector<std::string> known = experiments();
  throw Failure(Exit::usage, "there is no experiment '" + name + "'" + suggestion(name, known) + "; in " +
                                 experiments_folder().string() + ": " + listed(known) +
                                 "\n  a sweep file of your own is named with its path, such as ./" + name + ".toml");
}

}  // namespace

Exit reproduce(const SweepOptions& options, bool quick) {
  SweepOptions own = options;
  own.file = file_of(options.file);
  const SweepFile sweep = read_sweep(own.file, quick);
  if (own.out.empty()) own.out = default_out(sweep) + (quick ? "-quick" : "");
  const SweepOutcome outcome = run_sweep(sweep, own);
  if (!options.quiet) std::fputs(counts(sweep, outcome).c_str(), stdout);
  if (outcome.exit == Exit::interrupted || !sweep.figure) return outcome.exit;
  const std::string text = comparison(sweep, outcome);
  write_file(outcome.out + "/comparison.txt", text);
  const std::string missing = draw_figure(sweep, outcome);
  if (!options.quiet)
    std::fputs((text + "  written to " + outcome.out + (missing.empty() ? ", figure.png\n" : "\n")).c_str(), stdout);
  if (!missing.empty()) std::fprintf(stderr, "threepc: no picture: %s\n", missing.c_str());
  return outcome.exit;
}

Exit list_experiments() {
  for (const std::string& name : experiments())
    std::printf("%-28s %s\n", name.c_str(), read_sweep(file_of(name)).title.c_str());
  return Exit::done;
}

}  // namespace threepc
