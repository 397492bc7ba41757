#include "sweep/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "sweep/figure.hpp"

namespace threepc {
namespace {

std::size_t place_of(const std::string& value, std::vector<std::string>& known) {
  const auto at = std::find(known.begin(), known.end(), value);
  if (at == known.end()) known.push_back(value);
  return static_cast<std::size_t>(std::find(known.begin(), known.end(), value) - known.begin());
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string published(const Published& from, const std::string& name) {
  const auto point = from.points.find(name);
  if (point == from.points.end()) return "-";
  return (point->second.lower_bound ? "> " : "") + shown(point->second.value);
}

std::string measured(const SweepFile& sweep, const Best& best) {
  return best.cell == nullptr ? "not reached" : shown(figure_value(sweep, best)) + (best.at_edge ? " *" : "");
}

std::string multipliers(const SweepFile& sweep, const Best& best) {
  std::string text;
  for (const std::string& axis : sweep.best_over)
    if (best.cell != nullptr && best.cell->point.contains(axis))
      text += (text.empty() ? "" : ", ") + best.cell->point.at(axis);
  return text;
}

/// Left-aligned columns, two blanks apart.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) line += " " + padded(row[i], widths[i]) + " ";
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string sources(const SweepFile& sweep) {
  std::string text;
  for (std::size_t i = 0; i < sweep.published.size(); ++i)
    text += "  [" + std::to_string(i + 1) + "] " + sweep.published[i].source + "\n";
  return text;
}

std::string edge_note(const SweepOutcome& outcome) {
  const bool any = std::any_of(outcome.best.begin(), outcome.best.end(), [](const Best& b) { return b.at_edge; });
  return any ? "  * the best value lies at an end of its axis: a better one may lie beyond\n" : "";
}

std::string compare_curves(const SweepFile& sweep, const SweepOutcome& outcome) {
  std::vector<std::vector<std::string>> rows = {{"", "measured", "at"}};
  for (std::size_t i = 0; i < sweep.published.size(); ++i) rows[0].push_back("[" + std::to_string(i + 1) + "]");
  for (const Best& best : outcome.best) {
    rows.push_back({best.case_name, measured(sweep, best), multipliers(sweep, best)});
    for (const Published& from : sweep.published) rows.back().push_back(published(from, best.case_name));
  }
  const bool aims = outcome.cells.cells.front().tolerance_sq.has_value();
  return "  " + sweep.figure->label + (aims ? " to the tolerance\n" : " at the end\n") + table(rows) + sources(sweep) +
         edge_note(outcome);
}

std::string described(const SweepFile& sweep, const Heatmap& map, std::size_t row, std::size_t column, double value) {
  return shown(value) + " at " + sweep.figure->rows + " = " + map.rows[row] + ", " + sweep.figure->columns + " = " +
         map.columns[column];
}

/// The best cell of those whose row and column pass.
template <class Pass>
std::string best_where(const SweepFile& sweep, const Heatmap& map, Pass pass) {
  double smallest = INFINITY;
  std::string text = "none reached the tolerance";
  for (std::size_t r = 0; r < map.rows.size(); ++r)
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      if (!pass(r, c) || map.cells[r][c] == nullptr) continue;
      const double value = figure_value(sweep, *map.cells[r][c]);
      if (!(value < smallest)) continue;
      smallest = value;
      text = described(sweep, map, r, c, value);
    }
  return text;
}

std::string compare_with(const SweepFile& sweep, const Heatmap& map, const Published& from) {
  const bool fits = from.heatmap.size() == map.rows.size() &&
                    std::all_of(from.heatmap.begin(), from.heatmap.end(),
                                [&](const auto& row) { return row.size() == map.columns.size(); });
  if (!fits) return "  " + from.source + ": has other rows and columns, not compared\n";
  std::size_t row = 0, column = 0, both = 0, near = 0;
  for (std::size_t r = 0; r < map.rows.size(); ++r)
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      if (from.heatmap[r][c] < from.heatmap[row][column]) row = r, column = c;
      if (map.cells[r][c] == nullptr) continue;
      const double ratio = figure_value(sweep, *map.cells[r][c]) / from.heatmap[r][c];
      ++both;
      if (ratio < 1.5 && ratio > 1 / 1.5) ++near;
    }
  return "  " + from.source + ": best " + described(sweep, map, row, column, from.heatmap[row][column]) + "\n    " +
         std::to_string(near) + " of " + std::to_string(both) + " measured cells are within a factor 1.5 of it\n";
}

std::string compare_heatmaps(const SweepFile& sweep, const SweepOutcome& outcome) {
  const Heatmap map = heatmap_of(sweep, outcome);
  const auto last = map.rows.size() - 1;
  std::string text = "  " + sweep.figure->label + "\n  best             " +
                     best_where(sweep, map, [](auto, auto) { return true; }) + "\n  best, 1st column " +
                     best_where(sweep, map, [](auto, auto c) { return c == 0; }) + "\n  best, last row   " +
                     best_where(sweep, map, [&](auto r, auto) { return r == last; }) + "\n";
  for (const Published& from : sweep.published) text += compare_with(sweep, map, from);
  return text;
}

}  // namespace

Heatmap heatmap_of(const SweepFile& sweep, const SweepOutcome& outcome) {
  Heatmap map;
  for (const Best& best : outcome.best) {
    place_of(best.point.at(sweep.figure->rows), map.rows);
    place_of(best.point.at(sweep.figure->columns), map.columns);
  }
  map.cells.assign(map.rows.size(), std::vector<const Best*>(map.columns.size(), nullptr));
  for (const Best& best : outcome.best) {
    if (best.cell == nullptr) continue;
    const std::size_t row = place_of(best.point.at(sweep.figure->rows), map.rows);
    const std::size_t column = place_of(best.point.at(sweep.figure->columns), map.columns);
    map.cells[row][column] = &best;
    if (map.best != nullptr && figure_value(sweep, best) >= figure_value(sweep, *map.best)) continue;
    map.best = &best;
    map.best_row = row;
    map.best_column = column;
  }
  return map;
}

std::string comparison(const SweepFile& sweep, const SweepOutcome& outcome) {
  if (!sweep.figure) return "";
  return sweep.figure->kind == Figure::Kind::heatmap ? compare_heatmaps(sweep, outcome)
                                                     : compare_curves(sweep, outcome);
}

}  // namespace threepc
