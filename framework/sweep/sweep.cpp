#include "sweep/sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "record/directory_lock.hpp"
#include "record/durable_file.hpp"
#include "record/progress.hpp"
#include "signals.hpp"
#include "sweep/cell_processes.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

std::string time_left(double seconds) {
  const int whole = static_cast<int>(seconds + 0.5);
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

/// One line on stderr: rewritten on a terminal, a line per cell in a pipe, nothing when quiet.
class SweepProgress {
 public:
  SweepProgress(Progress::Style style, std::size_t cells) : style_(style), cells_(cells) {}
  ~SweepProgress() {
    if (open_) std::fputc('\n', stderr);
  }

  void resumed(std::size_t finished) {
    done_ = resumed_ = finished;
    if (finished > 0) say(std::to_string(finished) + " of " + std::to_string(cells_) + " cells are finished already");
  }

  void finished(const Cell& cell, const Result& result) {
    ++done_;
    const std::string failure = result.status == "failed" ? "cell " + cell.name + ": " + result.message : "";
    if (!failure.empty()) say(failure);
    if (failure.empty() || style_ == Progress::Style::terminal) draw(cell.name + ": " + result.status);
  }

 private:
  void draw(const std::string& news) {
    const std::string line =
        "cell " + std::to_string(done_) + " of " + std::to_string(cells_) + estimate() + "  " + news;
    if (style_ != Progress::Style::terminal) return say(line);
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    open_ = true;
  }

  /// As if the cells to come were like those that ran.
  std::string estimate() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const auto ran = static_cast<double>(done_ - resumed_), left = static_cast<double>(cells_ - done_);
    return left == 0 ? "" : "  about " + time_left(seconds / ran * left) + " left";
  }

  /// A line of its own.
  void say(const std::string& text) {
    if (style_ == Progress::Style::quiet) return;
    std::fprintf(stderr, "%s%s\n", open_ ? "\n" : "", text.c_str());
    open_ = false;
  }

  Progress::Style style_;
  std::size_t cells_, done_ = 0, resumed_ = 0;
  bool open_ = false;
  Clock::time_point start_ = Clock::now();
};

/// Makes the cell's folder ready; true: a run of this configuration was broken off there, to be gone on with.
bool prepare(const Cell& cell, bool force) {
  make_private_folder(cell.folder);
  const DirectoryLock lock(cell.folder);  // nobody may be running it by hand
  const bool goes_on = !force && was_broken_off(cell);
  for (const char* old : {"/summary.json", "/timed-out"}) fs::remove(cell.folder + old);
  write_file(cell.folder + "/config.toml", cell.config);
  return goes_on;
}

Result result_of(const Cell& cell, const CellEnd& end, double timeout) {
  const bool finished = end.exit_code == 0 || end.exit_code == static_cast<int>(Exit::diverged);
  if (finished) return read_result(cell);
  if (end.timed_out) return timed_out(cell, timeout);
  Result result;
  result.status = "failed";
  result.exit_code = end.exit_code;
  result.message = end.text.empty() ? "ended with code " + std::to_string(end.exit_code) : end.text;
  return result;
}

/// Exit codes of the program stay what they are; a signal becomes `unexpected`.
Exit exit_of(int code) {
  return code >= 1 && code <= static_cast<int>(Exit::data) ? static_cast<Exit>(code) : Exit::unexpected;
}

/// Starts cells while there are jobs free, until all have ended or somebody asked to stop.
class Runner {
 public:
  Runner(SweepOutcome& outcome, const SweepFile& sweep, const SweepOptions& options)
      : outcome_(outcome),
        timeout_(sweep.timeout),
        jobs_(options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency())),
        force_(options.force),
        progress_(options.quiet ? Progress::Style::quiet : Progress::style_of_stderr(), outcome.cells.cells.size()) {}

  void run() {
    find_earlier();
    CellProcesses processes(timeout_);
    while (next_ < waiting_.size() || processes.running() > 0) {
      if (StopSignals::requested()) {
        outcome_.exit = Exit::interrupted;
        return;
      }
      while (next_ < waiting_.size() && processes.running() < jobs_) start(processes, waiting_[next_++]);
      for (const CellEnd& end : processes.ended()) finish(end);
    }
  }

 private:
  void find_earlier() {
    for (std::size_t i = 0; i < outcome_.results.size(); ++i) {
      if (!force_) outcome_.results[i] = earlier_result(outcome_.cells.cells[i], timeout_);
      if (!outcome_.results[i]) waiting_.push_back(i);
    }
    progress_.resumed(outcome_.results.size() - waiting_.size());
  }

  void start(CellProcesses& processes, std::size_t cell) {
    const bool goes_on = prepare(outcome_.cells.cells[cell], force_);
    processes.start(cell, outcome_.cells.cells[cell].folder, goes_on);
  }

  /// A run that stopped without having been asked by us was sent the signal itself.
  void finish(const CellEnd& end) {
    const Cell& cell = outcome_.cells.cells[end.cell];
    const Result result = result_of(cell, end, timeout_);
    if (result.status == "failed" && outcome_.exit == Exit::done) outcome_.exit = exit_of(result.exit_code);
    progress_.finished(cell, result);
    outcome_.results[end.cell] = result;
  }

  SweepOutcome& outcome_;
  double timeout_;
  std::size_t jobs_;
  bool force_;
  SweepProgress progress_;
  std::vector<std::size_t> waiting_;
  std::size_t next_ = 0;
};

std::string described(const Best& group, const SweepFile& sweep) {
  std::string text = group.case_name;
  for (const auto& [axis, value] : group.point) text += (text.empty() ? "" : "  ") + axis + " = " + value;
  text += text.empty() ? "" : ": ";
  if (group.cell == nullptr) return text + "no cell of " + std::to_string(group.cells) + " reached the tolerance";
  text += sweep.metric + " " + shown(group.result->number(sweep.metric)) + " at";
  for (const std::string& axis : sweep.best_over) {
    const auto value = group.cell->point.find(axis);
    if (value != group.cell->point.end()) text += " " + axis + " = " + value->second;
  }
  return text + (group.at_edge ? " (an end of its values: a better one may lie beyond)" : "");
}

std::string final_table(const SweepFile& sweep, const SweepOutcome& outcome) {
  std::string text = counts(sweep, outcome);
  if (!sweep.best_over.empty() && outcome.exit != Exit::interrupted)
    for (const Best& group : outcome.best) text += "  " + described(group, sweep) + "\n";
  if (outcome.exit == Exit::interrupted) text += "  interrupted; the same command goes on\n";
  return text + "  written to " + outcome.out + "/sweep.csv" + (sweep.best_over.empty() ? "" : " and best.csv") + "\n";
}

void report_failures(const SweepOutcome& outcome) {
  for (std::size_t i = 0; i < outcome.results.size(); ++i)
    if (outcome.results[i] && outcome.results[i]->status == "failed")
      std::fprintf(stderr, "threepc: cell %s failed: %s\n", outcome.cells.cells[i].name.c_str(),
                   outcome.results[i]->message.c_str());
}

}  // namespace

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string default_out(const SweepFile& sweep) { return "runs/" + sweep.name; }

std::string counts(const SweepFile& sweep, const SweepOutcome& outcome) {
  std::map<std::string, int> count;
  for (const auto& result : outcome.results) ++count[result ? result->status : "not run"];
  std::string text = "  " + sweep.title + ": " + std::to_string(outcome.results.size()) + " cells";
  for (const auto& [status, number] : count) text += ", " + std::to_string(number) + " " + status;
  return text + "\n";
}

SweepOutcome run_sweep(const SweepFile& sweep, const SweepOptions& options) {
  SweepOutcome outcome;
  outcome.out = options.out.empty() ? default_out(sweep) : options.out;
  outcome.cells = expand(sweep, options.set, outcome.out);
  make_private_folder(outcome.out);
  const DirectoryLock lock(outcome.out);
  if (!lock.doubt().empty()) std::fprintf(stderr, "threepc: warning: %s\n", lock.doubt().c_str());
  outcome.results.resize(outcome.cells.cells.size());
  {
    const StopSignals signals;
    Runner(outcome, sweep, options).run();
  }
  write_file(outcome.out + "/sweep.csv", sweep_csv(outcome.cells, outcome.results));
  outcome.best = find_best(outcome.cells, outcome.results, sweep.metric, sweep.best_over);
  if (!sweep.best_over.empty())
    write_file(outcome.out + "/best.csv", best_csv(outcome.cells, outcome.best, sweep.best_over));
  report_failures(outcome);
  return outcome;
}

Exit sweep(const SweepOptions& options) {
  const SweepFile file = read_sweep(options.file);
  const SweepOutcome outcome = run_sweep(file, options);
  if (!options.quiet) std::fputs(final_table(file, outcome).c_str(), stdout);
  return outcome.exit;
}

}  // namespace threepc
