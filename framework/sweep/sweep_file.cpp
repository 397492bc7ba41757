#include "sweep/sweep_file.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "config/section.hpp"
#include "failure.hpp"
#include "nearest.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Bounds positive{0, infinity, true};

/// Axes written as "a.b" = [...] and as a.b = [...] are the same.
void read_axes(const Node& node, const std::string& path, std::vector<Axis>& out) {
  for (const auto& [key, value] : *node.table()) {
    const std::string whole = path.empty() ? key : path + "." + key;
    if (value.table() != nullptr)
      read_axes(value, whole, out);
    else
      out.push_back({whole, axis_values(value, whole)});
  }
}

std::vector<Axis> read_grid(Section& section) {
  std::vector<Axis> axes;
  const Node* node = section.take("grid");
  if (node == nullptr) return axes;
  if (node->table() == nullptr)
    section.wrong(*node, "grid", std::string("expected a table of axes, got ") + node->type_name());
  read_axes(*node, "", axes);
  return axes;
}

/// A case is its name, its grid, and settings for the rest.
Case read_case(const Node& node) {
  Section section(&node, "case");
  Case out;
  out.name = section.text("name").value_or("");
  if (out.name.empty())
    throw Failure(Exit::usage, node.origin + ": [[case]] needs the key 'name', such as name = \"EF21-Top10\"");
  out.grid = read_grid(section);
  out.settings = *node.table();
  out.settings.erase("name");
  out.settings.erase("grid");
  return out;
}

std::vector<Case> read_cases(Section& root) {
  std::vector<Case> cases;
  for (const Node* node : root.list("case")) {
    Case next = read_case(*node);
    for (const Case& before : cases)
      if (before.name == next.name)
        throw Failure(Exit::usage, node->origin + ": two cases are called '" + excerpt(next.name) + "'; rename one");
    cases.push_back(std::move(next));
  }
  return cases;
}

std::vector<std::string> texts(Section& section, const std::string& key) {
  std::vector<std::string> out;
  for (const Node* item : section.list(key)) {
    const auto* text = std::get_if<std::string>(&item->value);
    if (text == nullptr) section.wrong(*item, key, std::string("expected a list of strings, got ") + item->type_name());
    out.push_back(*text);
  }
  return out;
}

void read_base(Section& root, SweepFile& sweep) {
  const Node* node = root.take("base");
  if (node == nullptr)
    throw Failure(Exit::usage, sweep.file +
                                   ": needs the key 'base': the TOML file of a run, or a table [base] with one; a file "
                                   "that is a run itself is for threepc run");
  sweep.base_file = sweep.file;
  sweep.base = *node;
  if (node->table() != nullptr) return;
  const std::string named = *root.text("base");
  sweep.base_file = (fs::path(sweep.file).parent_path() / named).lexically_normal().string();
  if (!fs::is_regular_file(sweep.base_file))
    root.wrong(*node, "base", "there is no file " + sweep.base_file + "; the path is relative to " + sweep.file);
  sweep.base = read_document(sweep.base_file, {});
}

void read_settings(Section& section, SweepFile& sweep) {
  const Section set = section.child("set");  // refuses what is no table
  if (const Node* node = section.take("set")) merge(sweep.base, *node->table());
}

/// A metric of every run, or "metrics.NAME", one that the problem measures.
std::optional<std::string> read_y(Section& section) {
  const Node* const node = section.take("y");
  const auto* const text = node == nullptr ? nullptr : std::get_if<std::string>(&node->value);
  return text != nullptr && text->starts_with(problem_metrics) ? *text : section.choice("y", metric_names());
}

Figure read_figure(Section section) {
  Figure out;
  const bool heatmap = section.choice("kind", {"curves", "heatmap"}).value_or("curves") == "heatmap";
  out.kind = heatmap ? Figure::Kind::heatmap : Figure::Kind::curves;
  out.x = section.choice("x", metric_names()).value_or(out.x);
  out.y = read_y(section).value_or(out.y);
  out.rows = section.text("rows").value_or("");
  out.columns = section.text("columns").value_or("");
  out.factor = section.real("factor", positive).value_or(1);
  out.label = section.text("label").value_or("");
  section.refuse_unknown();
  if (heatmap && (out.rows.empty() || out.columns.empty()))
    throw Failure(Exit::usage,
                  section.origin() + ": [figure] of kind \"heatmap\" needs 'rows' and 'columns', two axes");
  return out;
}

std::vector<std::vector<double>> read_matrix(Section& section) {
  std::vector<std::vector<double>> out;
  for (const Node* row : section.list("heatmap")) {
    const Node table{Node::Table{{"row", *row}}, row->origin};
    Section one(&table, "published");
    out.emplace_back();
    for (const Node* item : one.list("row")) {
      const Node cell{Node::Table{{"value", *item}}, item->origin};
      out.back().push_back(*Section(&cell, "published.heatmap").real("value", positive));
    }
  }
  return out;
}

/// A number, or "> 5" for a curve that has not arrived there.
Published::Point read_point(Section& section, const std::string& key) {
  const Node& node = *section.take(key);
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr) return {*section.real(key, positive), false};
  double bound = 0;
  if (!text->starts_with("> ") || !((bound = std::strtod(text->c_str() + 2, nullptr)) > 0))
    section.wrong(node, key, "expected a number, or \"> NUMBER\" for a bound, got \"" + excerpt(*text) + "\"");
  return {bound, true};
}

Published read_published(const Node& node) {
  Section section(&node, "published");
  Published out;
  out.source = section.text("source").value_or("published");
  out.heatmap = read_matrix(section);
  Section curves = section.child("curves");
  if (const Node* table = section.take("curves"))
    for (const auto& [key, value] : *table->table()) out.points[key] = read_point(curves, key);
  section.refuse_unknown();
  return out;
}

void keep_cases(SweepFile& sweep, Section& quick) {
  if (quick.take("cases") == nullptr) return;
  const std::vector<std::string> names = texts(quick, "cases");
  std::vector<std::string> known;
  for (const Case& item : sweep.cases) known.push_back(item.name);
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      quick.wrong(*quick.take("cases"), "cases", "there is no case '" + excerpt(name) + "'" + suggestion(name, known));
  std::erase_if(sweep.cases,
                [&](const Case& item) { return std::find(names.begin(), names.end(), item.name) == names.end(); });
}

std::vector<std::string> axis_names(const SweepFile& sweep) {
  std::vector<std::string> names;
  for (const Axis& axis : sweep.grid) names.push_back(axis.key);
  for (const Case& item : sweep.cases)
    for (const Axis& axis : item.grid) names.push_back(axis.key);
  return names;
}

void check_axis(const SweepFile& sweep, const std::string& name, const std::string& place) {
  const std::vector<std::string> names = axis_names(sweep);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  throw Failure(Exit::usage, place + ": '" + excerpt(name) + "' is no axis of [grid]" + suggestion(name, names) +
                                 "; axes: " + listed(names));
}

void read_best(Section section, SweepFile& sweep) {
  if (section.origin().empty()) return;
  const Node* node = section.take("over");
  if (node == nullptr)
    throw Failure(Exit::usage, section.origin() + ": [best] needs the key 'over': an axis of [grid]");
  if (std::holds_alternative<std::string>(node->value))
    sweep.best_over = {*section.text("over")};
  else
    sweep.best_over = texts(section, "over");
  section.refuse_unknown();
  for (const std::string& name : sweep.best_over) check_axis(sweep, name, node->origin + ": best.over");
}

/// [quick] replaces axes wherever they are, and keeps some of the cases. With settings of its own it is another
/// problem, unless it says that it is `comparable` with what was published.
void read_quick(Section quick, SweepFile& sweep, bool apply) {
  SweepFile changed = sweep;
  read_settings(quick, changed);
  const std::vector<Axis> axes = read_grid(quick);
  keep_cases(changed, quick);
  if (!quick.flag("comparable").value_or(quick.take("set") == nullptr)) changed.published.clear();
  changed.title += " (quick)";
  quick.refuse_unknown();
  for (const Axis& axis : axes) {
    check_axis(sweep, axis.key, axis.values.front().origin + ": quick.grid");
    const auto replace = [&](std::vector<Axis>& grid) {
      for (Axis& old : grid)
        if (old.key == axis.key) old = axis;
    };
    replace(changed.grid);
    for (Case& item : changed.cases) replace(item.grid);
  }
  if (apply) sweep = std::move(changed);
}

void check_figure(const SweepFile& sweep, const Node& root) {
  if (!sweep.figure || sweep.figure->kind != Figure::Kind::heatmap) return;
  const std::string place = root.table()->at("figure").origin + ": figure";
  check_axis(sweep, sweep.figure->rows, place + ".rows");
  check_axis(sweep, sweep.figure->columns, place + ".columns");
}

}  // namespace

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = {"rounds",
                                                 "f",
                                                 "grad_norm",
                                                 "grad_norm_sq",
                                                 "uplink_floats_per_worker",
                                                 "uplink_bits_per_worker",
                                                 "downlink_bits_per_worker",
                                                 "wire_bytes",
                                                 "seconds"};
  return names;
}

void set_at(Node& into, const std::string& path, const Node& value) {
  if (into.table() == nullptr) into = {Node::Table{}, value.origin, value.on_command_line};
  const std::size_t dot = path.find('.');
  Node& next = std::get<Node::Table>(into.value)[path.substr(0, dot)];
  if (dot != std::string::npos) {
    set_at(next, path.substr(dot + 1), value);
  } else if (value.table() == nullptr || value.table()->contains("plugin")) {
    next = value;
  } else {
    if (next.table() == nullptr) next = {Node::Table{}, value.origin, value.on_command_line};
    merge(next, *value.table());
  }
}

void merge(Node& into, const Node::Table& from) {
  for (const auto& [key, value] : from) set_at(into, key, value);
}

SweepFile read_sweep(const std::string& file, bool quick) {
  const Node document = read_document(file, {});
  Section root(&document, "");
  SweepFile sweep;
  sweep.file = file;
  sweep.name = fs::path(file).stem().string();
  sweep.title = root.text("title").value_or(sweep.name);
  sweep.metric = root.choice("metric", metric_names()).value_or(sweep.metric);
  sweep.timeout = root.real("timeout", positive).value_or(0);
  for (const char* key : {"set", "grid", "best", "case", "figure", "published", "quick"}) root.take(key);
  read_base(root, sweep);
  root.refuse_unknown();
  const bool inline_base = sweep.base_file == sweep.file;
  if (!inline_base) set_at(sweep.base, "transport", {Node::Table{{"plugin", {std::string("inproc"), file}}}, file});
  read_settings(root, sweep);
  sweep.grid = read_grid(root);
  sweep.cases = read_cases(root);
  if (sweep.cases.empty()) sweep.cases.emplace_back();
  read_best(root.child("best"), sweep);
  if (root.take("figure") != nullptr) sweep.figure = read_figure(root.child("figure"));
  check_figure(sweep, document);
  for (const Node* node : root.list("published")) sweep.published.push_back(read_published(*node));
  read_quick(root.child("quick"), sweep, quick);
  return sweep;
}

}  // namespace threepc
