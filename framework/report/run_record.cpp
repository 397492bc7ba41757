#include "report/run_record.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "failure.hpp"

namespace threepc::report {
namespace fs = std::filesystem;
namespace {

/// What is read is not ordered_json: that copies what it holds when it grows, by recursion, and a file may be nested
/// deeper than a stack is.
using Parsed = nlohmann::json;

constexpr std::size_t most_keys = 64;       // of metrics.jsonl
constexpr std::size_t most_settings = 500;  // of config.toml, and of summary.json
constexpr double unavailable = std::numeric_limits<double>::quiet_NaN();

/// A pipe would be waited for, a device read without end, and a folder is read as an empty file.
bool is_something_else(const std::string& file) {
  std::error_code ignored;
  const fs::file_status status = fs::status(file, ignored);
  return fs::exists(status) && !fs::is_regular_file(status);
}

/// The lines of a metrics.jsonl, key by key.
class MetricsReader {
 public:
  MetricsReader(std::string file, RunRecord& into) : file_(std::move(file)), into_(&into) {}

  void read() {
    if (is_something_else(file_))
      throw Failure(Exit::data, file_ +
                                    ": expected a file with a JSON object a line, but this is a folder, a pipe or a "
                                    "device; leave this run out of the report");
    std::ifstream in(file_, std::ios::binary);
    if (!in && fs::exists(file_)) throw Failure(Exit::data, file_ + ": cannot be read; look at its permissions");
    for (std::string line; std::getline(in, line);) {
      ++line_;
      // A run that was killed while it wrote leaves a last line without an end.
      if (!in.eof() || Parsed::accept(line))
        add(line);
      else
        into_->notes.push_back("The last line of metrics.jsonl is torn and was left out.");
    }
    if (in.bad()) throw Failure(Exit::data, file_ + ": cannot be read to its end");
    if (left_out_)
      into_->notes.push_back("metrics.jsonl has more than " + std::to_string(most_keys) +
                             " keys; the others were left out.");
  }

 private:
  void add(const std::string& text) {
    const Parsed line = parsed(text);
    check_round(line);
    const std::size_t rows = into_->rows();
    for (Series& series : into_->series) series.values.push_back(unavailable);
    values_of("round", line["round"], rows)->back() = round_;  // first, so that other keys cannot crowd it out
    for (const auto& [key, value] : line.items())
      if (std::vector<double>* values = values_of(key, value, rows)) values->back() = value.get<double>();
  }

  Parsed parsed(const std::string& text) const {
    try {
      Parsed line = Parsed::parse(text);
      if (line.is_object()) return line;
    } catch (const Parsed::exception&) {
    }
    refuse("expected a JSON object, such as {\"round\":0,\"f\":1.5}, but found '" + excerpt(text) + "'");
  }

  void check_round(const Parsed& line) {
    const auto round = line.find("round");
    if (round == line.end() || !round->is_number()) refuse("the line has no number \"round\"");
    const double value = round->get<double>();
    if (!(value > round_))
      refuse("round " + round->dump() + " follows round " + Parsed(round_).dump() +
             "; rounds increase from line to line");
    round_ = value;
  }

  /// Where a number of `key` goes; null for what is not drawn: text, null, and keys beyond the first 64.
  std::vector<double>* values_of(const std::string& key, const Parsed& value, std::size_t rows) {
    if (!value.is_number()) return nullptr;
    const auto [found, is_new] = column_.try_emplace(key, into_->series.size());
    if (is_new && into_->series.size() < most_keys)
      into_->series.push_back({key, std::vector<double>(rows + 1, unavailable)});
    if (found->second < into_->series.size()) return &into_->series[found->second].values;
    left_out_ = true;
    column_.erase(found);
    return nullptr;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Failure(Exit::data, file_ + ":" + std::to_string(line_) + ": " + why +
                                  "; remove the line, or leave this run out of the report");
  }

  std::string file_;
  RunRecord* into_;
  std::map<std::string, std::size_t> column_;
  std::size_t line_ = 0;
  double round_ = -1;
  bool left_out_ = false;
};

/// The runs below a folder that is none itself, for "did you mean".
std::string runs_below(const std::string& folder) {
  std::set<std::string> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (fs::exists(entry.path() / "metrics.jsonl", ignored)) found.insert(entry.path().string());
  std::string text;
  for (const std::string& run : found)
    if (text.size() < 200) text += (text.empty() ? "" : " ") + run;
  return text;
}

void refuse_other_folders(const std::string& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored))
    throw Failure(Exit::usage, folder + ": there is no such folder; give the folder of a run, such as runs/quickstart");
  if (!fs::is_directory(folder, ignored))
    throw Failure(Exit::usage, folder + ": expected the folder of a run, but this is a file");
  if (fs::exists(fs::path(folder) / "config.toml", ignored) || fs::exists(fs::path(folder) / "metrics.jsonl", ignored))
    return;
  const std::string below = runs_below(folder);
  throw Failure(Exit::usage, folder + ": is not the folder of a run: it has neither config.toml nor metrics.jsonl" +
                                 (below.empty() ? "" : "; there are runs in it: " + below));
}

/// What a page can show; each setting that differs is a column of its table.
void keep_the_first_settings(RunRecord& run) {
  if (run.settings.size() <= most_settings) return;
  run.settings.erase(std::next(run.settings.begin(), most_settings), run.settings.end());
  run.notes.push_back("config.toml has more than " + std::to_string(most_settings) +
                      " keys; the others were left out.");
}

void read_config(RunRecord& run) {
  const std::string file = run.folder + "/config.toml";
  try {
    if (is_something_else(file)) throw Failure(Exit::data, file + " is a folder, a pipe or a device, no file");
    const Node config = read_document(file, {});
    run.settings = settings_of(config);
    keep_the_first_settings(run);
    const Node::Table* table = config.table();
    const auto found = table->find("run");
    if (found == table->end() || found->second.table() == nullptr) return;
    const auto name = found->second.table()->find("name");
    if (name == found->second.table()->end()) return;
    if (const auto* text = std::get_if<std::string>(&name->second.value)) run.name = *text;
  } catch (const Failure& failure) {
    run.notes.push_back(std::string("The configuration is unknown: ") + failure.what());
  }
}

Json without_lists_and_tables(const Parsed& summary) {
  Json out = Json::object();
  for (const auto& [key, value] : summary.items())
    if (out.size() < most_settings && value.is_primitive()) out[key] = value;
  return out;
}

void read_summary(RunRecord& run) {
  const std::string file = run.folder + "/summary.json";
  if (!fs::exists(file)) {
    run.notes.push_back("Not finished: there is no summary.json yet.");
    return;
  }
  if (is_something_else(file)) {
    run.notes.push_back("summary.json is a folder, a pipe or a device and was left out.");
    return;
  }
  std::ifstream in(file, std::ios::binary);
  const Parsed summary = Parsed::parse(in, nullptr, false);
  if (summary.is_object() && summary.size() > most_settings)
    run.notes.push_back("summary.json has more than " + std::to_string(most_settings) +
                        " keys; the others were left out.");
  if (summary.is_object())
    run.summary = without_lists_and_tables(summary);
  else
    run.notes.push_back("summary.json is not a JSON object and was left out.");
}

/// The folder's absolute path, in parts, last first.
std::vector<std::string> path_from_its_end(const std::string& folder) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::absolute(folder).lexically_normal())
    if (!part.empty() && part != "/") parts.push_back(part.string());
  std::reverse(parts.begin(), parts.end());
  return parts;
}

/// The last `count` of the parts, as a path.
std::string joined(const std::vector<std::string>& from_its_end, std::size_t count) {
  fs::path path;
  for (std::size_t i = std::min(count, from_its_end.size()); i > 0; --i) path /= from_its_end[i - 1];
  return path.string();
}

bool all_different(const std::vector<std::string>& texts) {
  return std::set<std::string>(texts.begin(), texts.end()).size() == texts.size();
}

/// The shortest ends of the folders' paths that tell them apart.
std::vector<std::string> distinct_ends(const std::vector<std::string>& folders) {
  constexpr std::size_t longest = 32;
  std::vector<std::string> ends(folders.size());
  for (std::size_t count = 1; count <= longest; ++count) {
    for (std::size_t i = 0; i < folders.size(); ++i) ends[i] = joined(path_from_its_end(folders[i]), count);
    if (all_different(ends)) break;
  }
  return ends;
}

}  // namespace

RunRecord read_run(const std::string& folder) {
  refuse_other_folders(folder);
  RunRecord run;
  run.folder = folder;
  run.name = joined(path_from_its_end(folder), 1);
  read_config(run);
  MetricsReader(folder + "/metrics.jsonl", run).read();
  run.lines = run.rows();
  if (run.lines == 0) run.notes.push_back("There are no metrics yet.");
  read_summary(run);
  return run;
}

std::vector<std::string> labels(const std::vector<RunRecord>& runs) {
  std::map<std::string, std::vector<std::string>> folders;  // of the runs that share a name
  for (const RunRecord& run : runs) folders[run.name].push_back(run.folder);
  std::map<std::string, std::vector<std::string>> ends;
  for (const auto& [name, shared_by] : folders) ends[name] = distinct_ends(shared_by);
  std::vector<std::string> out, all;
  for (const RunRecord& run : runs) {
    const std::vector<std::string>& namesakes = folders[run.name];
    const auto place = std::find(namesakes.begin(), namesakes.end(), run.folder) - namesakes.begin();
    out.push_back(namesakes.size() == 1 ? run.name : ends[run.name][static_cast<std::size_t>(place)]);
    all.push_back(run.folder);
  }
  return all_different(out) ? out : distinct_ends(all);
}

}  // namespace threepc::report
