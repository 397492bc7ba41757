#include "sweep/results.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "failure.hpp"
#include "record/json.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

constexpr const char* columns[] = {"stopped_by",
                                   "rounds",
                                   "f",
                                   "grad_norm",
                                   "grad_norm_sq",
                                   "uplink_bits_per_worker",
                                   "uplink_floats_per_worker",
                                   "downlink_bits_per_worker",
                                   "wire_bytes",
                                   "seconds",
                                   "stepsize",
                                   "A",
                                   "B",
                                   "L_minus",
                                   "L_plus",
                                   "x_hash"};

/// Without the lines that say what the run is called and where it is kept: neither changes a result.
std::string what_runs(const std::string& toml) {
  std::string out;
  std::istringstream lines(toml);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("out = ") && !line.starts_with("name = ")) out += line + "\n";
  return out;
}

std::map<std::string, std::string> read_summary(const std::string& file) {
  std::map<std::string, std::string> values;
  const Json summary = parse_json(read_text(file));
  if (!summary.is_object()) throw Failure(Exit::unexpected, file + ": no summary of a run; remove it and sweep again");
  for (const char* column : columns) {
    const auto value = summary.find(std::string(column) == "rounds" ? "round" : column);
    if (value == summary.end() || value->is_null()) continue;
    values[column] = value->is_string() ? value->get<std::string>() : to_text(*value);
  }
  return values;
}

std::string status_of(const std::string& stopped_by) {
  if (stopped_by == "diverged") return "diverged";
  return stopped_by.starts_with("grad_norm") ? "reached" : "ended";
}

/// The folder holds a run of the cell's present configuration.
bool ran_here(const Cell& cell) { return what_runs(read_text(cell.folder + "/config.toml")) == what_runs(cell.config); }

std::string limit_file(const Cell& cell) { return cell.folder + "/timed-out"; }

std::string value_or_nothing(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto at = values.find(key);
  return at == values.end() ? "" : at->second;
}

class Csv {
 public:
  void add(const std::string& field) {
    text_ += (at_start_ ? "" : ",") + csv_field(field);
    at_start_ = false;
  }
  void end() {
    text_ += '\n';
    at_start_ = true;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  bool at_start_ = true;
};

using Group = std::pair<std::string, std::map<std::string, std::string>>;

Group group_of(const Cell& cell, const std::vector<std::string>& over) {
  Group group{cell.case_name, cell.point};
  for (const std::string& axis : over) group.second.erase(axis);
  return group;
}

bool counts(const Cell& cell, const Result& result) {
  return result.status == "reached" || (!cell.tolerance_sq && result.status == "ended");
}

/// The values of an axis in the order in which the cells have them.
std::vector<std::string> values_of(const std::vector<const Cell*>& group, const std::string& axis) {
  std::vector<std::string> out;
  for (const Cell* cell : group) {
    const std::string value = value_or_nothing(cell->point, axis);
    if (std::find(out.begin(), out.end(), value) == out.end()) out.push_back(value);
  }
  return out;
}

bool at_edge(const Cell& best, const std::vector<const Cell*>& group, const std::vector<std::string>& over) {
  return std::any_of(over.begin(), over.end(), [&](const std::string& axis) {
    const std::vector<std::string> values = values_of(group, axis);
    const std::string own = value_or_nothing(best.point, axis);
    return values.size() > 1 && (own == values.front() || own == values.back());
  });
}

const Cell* closest_of(const std::vector<std::size_t>& members, const Cells& cells,
                       const std::vector<std::optional<Result>>& results) {
  const Cell* closest = nullptr;
  double smallest = std::numeric_limits<double>::infinity();
  for (const std::size_t i : members) {
    if (!results[i] || results[i]->status == "diverged") continue;
    const double norm = results[i]->number("grad_norm");
    if (!(norm < smallest)) continue;
    smallest = norm;
    closest = &cells.cells[i];
  }
  return closest;
}

Best best_of(const Group& name, const std::vector<std::size_t>& members, const Cells& cells,
             const std::vector<std::optional<Result>>& results, const std::string& metric,
             const std::vector<std::string>& over) {
  Best best;
  best.case_name = name.first;
  best.point = name.second;
  best.cells = members.size();
  best.closest = closest_of(members, cells, results);
  std::vector<const Cell*> group;
  for (const std::size_t i : members) {
    const Cell& cell = cells.cells[i];
    group.push_back(&cell);
    if (!results[i] || !counts(cell, *results[i])) continue;
    ++best.counted;
    const double value = results[i]->number(metric);
    if (std::isnan(value) || (best.result != nullptr && value >= best.result->number(metric))) continue;
    best.cell = &cell;
    best.result = &*results[i];
  }
  if (best.cell != nullptr) best.at_edge = at_edge(*best.cell, group, over);
  return best;
}

}  // namespace

double Result::number(const std::string& column) const {
  const auto at = values.find(column);
  return at == values.end() ? std::numeric_limits<double>::quiet_NaN() : std::strtod(at->second.c_str(), nullptr);
}

bool was_broken_off(const Cell& cell) {
  if (!ran_here(cell) || fs::exists(limit_file(cell))) return false;
  return !fs::exists(cell.folder + "/summary.json") || read_result(cell).values["stopped_by"] == "interrupted";
}

std::optional<Result> earlier_result(const Cell& cell, double timeout) {
  if (!ran_here(cell)) return std::nullopt;
  if (fs::exists(limit_file(cell))) {
    const double limit = std::strtod(read_text(limit_file(cell)).c_str(), nullptr);
    if (timeout == 0 || limit < timeout) return std::nullopt;
    return timed_out(cell, limit);
  }
  if (!fs::exists(cell.folder + "/summary.json")) return std::nullopt;
  Result result = read_result(cell);
  if (result.values["stopped_by"] == "interrupted") return std::nullopt;
  return result;
}

Result read_result(const Cell& cell) {
  Result result;
  result.values = read_summary(cell.folder + "/summary.json");
  result.status = status_of(result.values["stopped_by"]);
  return result;
}

Result timed_out(const Cell& cell, double timeout) {
  Result result;
  if (fs::exists(cell.folder + "/summary.json")) result = read_result(cell);
  result.status = result.values["stopped_by"] = "timeout";
  write_file(limit_file(cell), to_toml_text(timeout) + "\n");
  return result;
}

std::vector<Best> find_best(const Cells& cells, const std::vector<std::optional<Result>>& results,
                            const std::string& metric, const std::vector<std::string>& over) {
  std::vector<Group> order;
  std::map<Group, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < cells.cells.size(); ++i) {
    const Group group = group_of(cells.cells[i], over);
    if (!members.contains(group)) order.push_back(group);
    members[group].push_back(i);
  }
  std::vector<Best> out;
  for (const Group& group : order) out.push_back(best_of(group, members[group], cells, results, metric, over));
  return out;
}

std::string sweep_csv(const Cells& cells, const std::vector<std::optional<Result>>& results) {
  Csv csv;
  for (const char* name : {"cell", "case"}) csv.add(name);
  for (const std::string& axis : cells.axes) csv.add(axis);
  csv.add("status");
  for (const char* column : columns) csv.add(column);
  csv.end();
  for (std::size_t i = 0; i < cells.cells.size(); ++i) {
    if (!results[i]) continue;
    const Cell& cell = cells.cells[i];
    csv.add(cell.name);
    csv.add(cell.case_name);
    for (const std::string& axis : cells.axes) csv.add(value_or_nothing(cell.point, axis));
    csv.add(results[i]->status);
    for (const char* column : columns) csv.add(value_or_nothing(results[i]->values, column));
    csv.end();
  }
  return csv.take();
}

std::string best_csv(const Cells& cells, const std::vector<Best>& best, const std::vector<std::string>& over) {
  Csv csv;
  const auto is_over = [&](const std::string& axis) { return std::find(over.begin(), over.end(), axis) != over.end(); };
  csv.add("case");
  for (const std::string& axis : cells.axes) csv.add(axis);
  for (const char* name : {"status", "cells", "counted", "at_edge", "cell"}) csv.add(name);
  for (const char* column : columns) csv.add(column);
  csv.end();
  for (const Best& group : best) {
    const bool found = group.cell != nullptr;
    csv.add(group.case_name);
    for (const std::string& axis : cells.axes)
      csv.add(is_over(axis) ? (found ? value_or_nothing(group.cell->point, axis) : "")
                            : value_or_nothing(group.point, axis));
    csv.add(found ? group.result->status : "none");
    csv.add(std::to_string(group.cells));
    csv.add(std::to_string(group.counted));
    csv.add(found ? (group.at_edge ? "true" : "false") : "");
    csv.add(found ? group.cell->name : "");
    for (const char* column : columns) csv.add(found ? value_or_nothing(group.result->values, column) : "");
    csv.end();
  }
  return csv.take();
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

void write_file(const std::string& file, const std::string& content) {
  const std::string partial = file + ".partial";
  std::ofstream out(partial, std::ios::binary);
  out << content;
  out.close();
  if (!out || std::rename(partial.c_str(), file.c_str()) != 0)
    throw Failure(Exit::unexpected, file + ": cannot be written: " + std::strerror(errno) +
                                        "; free the disk or choose another folder with --out");
}

std::string read_text(const std::string& file) {
  std::ostringstream text;
  if (std::ifstream in(file, std::ios::binary); in) text << in.rdbuf();
  return text.str();
}

}  // namespace threepc
