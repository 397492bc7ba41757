#include "sweep/figure.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "record/json.hpp"
#include "sweep/comparison.hpp"
#include "sweep/gnuplot.hpp"

namespace threepc {
namespace {

/// Distinguishable also to the colour-blind (Okabe and Ito).
constexpr const char* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
constexpr std::size_t most_points = 2000;  // of one curve

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

/// "3008", "31.2k", "1.25M": short enough for a cell.
std::string compact(double value) {
  char text[32];
  if (value >= 1e6)
    std::snprintf(text, sizeof text, "%.3gM", value / 1e6);
  else if (value >= 1e4)
    std::snprintf(text, sizeof text, "%.3gk", value / 1e3);
  else
    std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Metrics are called rounds in tables and round in metrics.jsonl.
std::string json_key(const std::string& metric) { return metric == "rounds" ? "round" : metric; }

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// NaN: the line does not say.
double at(const Json& line, const std::string& metric) {
  const Json* const place = metric.starts_with(problem_metrics) ? find(line, "metrics") : &line;
  if (place == nullptr) return NAN;
  const std::string key = place == &line ? json_key(metric) : metric.substr(problem_metrics.size());
  const Json value = place->value(key, Json());
  return value.is_null() ? NAN : value.get<double>();
}

std::vector<Json> metrics_of(const Cell& cell) {
  std::vector<Json> lines;
  std::ifstream in(cell.folder + "/metrics.jsonl");
  for (std::string text; std::getline(in, text);) {
    Json line = parse_json(text);
    if (!line.is_discarded()) lines.push_back(std::move(line));  // the last one may be cut
  }
  return lines;
}

using Points = std::vector<std::pair<double, double>>;

/// What is drawn of a cell. Long runs are thinned evenly; the last point, where the tolerance is met, stays.
Points curve_of(const SweepFile& sweep, const Cell& cell) {
  const std::vector<Json> lines = metrics_of(cell);
  const std::size_t stride = lines.size() / most_points + 1;
  Points points;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (i % stride == 0 || i + 1 == lines.size())
      points.emplace_back(at(lines[i], sweep.figure->x) * sweep.figure->factor, at(lines[i], sweep.figure->y));
  return points;
}

std::string name_of(const Best& best) { return best.case_name.empty() ? best.closest->name : best.case_name; }

/// What is drawn of a group: its best cell, or the one that came closest.
const Cell* drawn(const Best& best) { return best.cell != nullptr ? best.cell : best.closest; }

struct Curve {
  const Best* best;
  Points points;
};

std::vector<Curve> curves_of(const SweepFile& sweep, const SweepOutcome& outcome) {
  std::vector<Curve> curves;
  for (const Best& best : outcome.best)
    if (drawn(best) != nullptr) curves.push_back({&best, curve_of(sweep, *drawn(best))});
  return curves;
}

std::string curves_csv(const std::vector<Curve>& curves) {
  std::string text = "curve,x,y\n";
  for (const Curve& curve : curves) {
    if (&curve != &curves.front()) text += "\n\n";
    for (const auto& [x, y] : curve.points)
      text += csv_field(name_of(*curve.best)) + "," + number(x) + "," + number(y) + "\n";
  }
  return text;
}

/// The script carries its numbers, so that no name stands between gnuplot and them.
std::string data_block(std::size_t index, const Points& points) {
  std::string text = "$curve" + std::to_string(index) + " << end\n";
  for (const auto& [x, y] : points) text += number(x) + " " + number(y) + "\n";
  return text + "end\n";
}

/// Both formats from one script.
std::string script_start(const std::string& size) {
  return std::string(
             "do for [format in 'svg png'] {\n"
             "if (format eq 'svg') { set terminal svg noenhanced size ") +
         size + " font 'Helvetica,14' background 'white' } else { set terminal pngcairo noenhanced size " + size +
         " font 'Helvetica,14' }\nset output 'figure.'.format\n";
}

std::optional<double> tolerance_of(const SweepFile& sweep, const SweepOutcome& outcome) {
  const auto& sq = outcome.cells.cells.front().tolerance_sq;
  if (!sq || (sweep.figure->y != "grad_norm_sq" && sweep.figure->y != "grad_norm")) return std::nullopt;
  return sweep.figure->y == "grad_norm_sq" ? *sq : std::sqrt(*sq);
}

/// What the file says, or what is drawn: an axis is never without a name.
std::string x_label(const Figure& figure) {
  if (!figure.label.empty()) return figure.label;
  return figure.factor == 1 ? figure.x : number(figure.factor) + " x " + figure.x;
}

std::string y_label(const std::string& metric) {
  if (metric == "grad_norm_sq") return "||grad f(x)||²";
  if (metric.starts_with(problem_metrics)) return metric.substr(problem_metrics.size());
  return metric == "grad_norm" ? "||grad f(x)||" : metric;
}

/// Of shares, which a problem measures, and of numbers over many magnitudes.
const char* y_scale(const std::string& metric) {
  return metric.starts_with(problem_metrics) ? "set logscale x" : "set logscale xy\nset format y '1e%+03T'";
}

/// Published points on the tolerance's line: a cross where a curve arrives, an arrow where it goes on.
std::string marks(const SweepFile& sweep, const Best& best, const char* colour, double tolerance) {
  std::string text;
  for (const Published& from : sweep.published) {
    const auto point = from.points.find(best.case_name);
    if (point == from.points.end()) continue;
    const double x = point->second.value;
    const std::string place = number(x) + "," + number(tolerance),
                      paint = std::string(" linecolor rgb '") + colour + "'";
    text += "set label '' at " + place + " point pointtype 2 pointsize 1.5 linewidth 2" + paint + " front\n";
    if (!point->second.lower_bound) continue;
    text += "set arrow from " + place + " to " + number(1.3 * x) + "," + number(tolerance) + " linewidth 2" + paint +
            " front\n";
  }
  return text;
}

/// In the legend: the method, the values of the axes over which it is the best, and whether it got there.
std::string legend(const SweepFile& sweep, const Best& best) {
  std::string name = name_of(best);
  for (const std::string& axis : sweep.best_over)
    if (drawn(best)->point.contains(axis))
      name += ", " + axis.substr(axis.rfind('.') + 1) + " " + drawn(best)->point.at(axis);
  return name + (best.cell == nullptr ? " (not reached)" : "");
}

std::string curves_script(const SweepFile& sweep, const SweepOutcome& outcome, const std::vector<Curve>& curves) {
  const auto tolerance = tolerance_of(sweep, outcome);
  const std::size_t height = 500 + 26 * curves.size();  // with a line each below
  std::string data = "# gnuplot figure.gp\n", labels, plots;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const char* colour = colours[i % std::size(colours)];
    data += data_block(i, curves[i].points);
    if (tolerance) labels += marks(sweep, *curves[i].best, colour, *tolerance);
    plots += std::string(i == 0 ? "" : ", \\\n") + "  $curve" + std::to_string(i) +
             " using 1:2 with lines linewidth 2.5 dashtype " + std::to_string(1 + i / std::size(colours) % 5) +
             " linecolor rgb '" + colour + "' title " + gnuplot_text(legend(sweep, *curves[i].best));
  }
  if (tolerance) plots += ", \\\n  " + number(*tolerance) + " with lines dashtype 2 linecolor rgb '#888888' notitle";
  if (!labels.empty())
    plots += ", \\\n  NaN with points pointtype 2 pointsize 1.5 linewidth 2 linecolor rgb '#444444' title 'published'";
  return data + script_start("900," + std::to_string(height)) + "set title " + gnuplot_text(sweep.title) +
         "\nset xlabel " + gnuplot_text(x_label(*sweep.figure)) + "\nset ylabel " +
         gnuplot_text(y_label(sweep.figure->y)) + "\n" + y_scale(sweep.figure->y) +
         "\nset grid linecolor rgb '#dddddd'\nset key below left Left "
         "reverse spacing 1.2\n"
         "set border 3\nset tics nomirror\n" +
         labels + "plot \\\n" + plots + "\n}\n";
}

std::string heatmap_csv(const SweepFile& sweep, const Heatmap& map) {
  std::string text =
      csv_field(sweep.figure->rows) + "," + csv_field(sweep.figure->columns) + ",row,column,value,text\n";
  for (std::size_t r = 0; r < map.rows.size(); ++r)
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const Best* best = map.cells[r][c];
      const double value = best == nullptr ? NAN : figure_value(sweep, *best);
      text += csv_field(map.rows[r]) + "," + csv_field(map.columns[c]) + "," + std::to_string(r) + "," +
              std::to_string(c) + "," + (best == nullptr ? "NaN,not reached" : number(value) + "," + compact(value)) +
              "\n";
    }
  return text;
}

/// "topk, k = 5" for {plugin = "topk", k = 5}: what fits beside a field.
std::string brief(std::string label) {
  using namespace std::string_view_literals;
  for (const std::string_view gone : {"plugin = "sv, "{"sv, "}"sv, "\""sv})
    for (std::size_t at; (at = label.find(gone)) != label.npos;) label.erase(at, gone.size());
  return label;
}

/// In pixels: the fields and the names of the rows beside them, so that neither covers the other.
std::string heatmap_size(const Heatmap& map) {
  std::size_t longest = 0;
  for (const std::string& name : map.rows) longest = std::max(longest, brief(name).size());
  return std::to_string(std::max<std::size_t>(860, 9 * longest + 120 * map.columns.size() + 120)) + ",560";
}

std::string tics(const char* axis, const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i)
    list += (i == 0 ? "" : ", ") + gnuplot_tic(brief(names[i])) + " " + std::to_string(i);
  return std::string("set ") + axis + "tics (" + list + ") scale 0\n";
}

std::string outline(const Heatmap& map) {
  if (map.best == nullptr) return "";
  const auto corner = [&](double shift) {
    return number(static_cast<double>(map.best_column) + shift) + "," +
           number(static_cast<double>(map.best_row) + shift);
  };
  return "set object 1 rectangle from " + corner(-0.49) + " to " + corner(0.49) +
         " fillstyle empty border linecolor rgb '#c00000' linewidth 3.5 front\n";
}

/// "column row value text" of every field.
std::string heatmap_block(const SweepFile& sweep, const Heatmap& map) {
  std::string text = "$map << end\n";
  for (std::size_t r = 0; r < map.rows.size(); ++r)
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const Best* best = map.cells[r][c];
      const double value = best == nullptr ? NAN : figure_value(sweep, *best);
      text += std::to_string(c) + " " + std::to_string(r) + " " +
              (best == nullptr ? "NaN \"-\"" : number(value) + " " + compact(value)) + "\n";
    }
  return text + "end\n";
}

/// Light colours for few bits; black numbers stay readable on all of them.
std::string heatmap_script(const SweepFile& sweep, const Heatmap& map) {
  const auto edge = [](std::size_t cells) { return number(static_cast<double>(cells) - 0.5); };
  return "# gnuplot figure.gp\n" + heatmap_block(sweep, map) + script_start(heatmap_size(map)) + "set title " +
         gnuplot_text(sweep.title + "\n" + sweep.figure->label) + "\nset xlabel " +
         gnuplot_text(sweep.figure->columns) + "\nset ylabel " + gnuplot_text(sweep.figure->rows) + "\n" +
         tics("x", map.columns) + tics("y", map.rows) + "set xrange [-0.5:" + edge(map.columns.size()) +
         "]\nset yrange [" + edge(map.rows.size()) +
         ":-0.5]\nunset colorbox\nunset key\nset border 0\n"
         "set palette defined (0 '#1b9e77', 0.35 '#a6dba0', 0.65 '#fee8a8', 1 '#f4a582')\nset logscale cb\n" +
         outline(map) +
         "plot $map using 1:2:3 with image pixels, \\\n"
         "  '' using 1:2:4 with labels font 'Helvetica,15'\n}\n";
}

bool anything_to_draw(const SweepOutcome& outcome) {
  return std::any_of(outcome.best.begin(), outcome.best.end(), [](const Best& best) { return drawn(best) != nullptr; });
}

}  // namespace

double figure_value(const SweepFile& sweep, const Best& best) {
  if (best.result == nullptr) return NAN;
  const bool heatmap = sweep.figure->kind == Figure::Kind::heatmap;
  return best.result->number(heatmap ? sweep.metric : sweep.figure->x) * sweep.figure->factor;
}

std::string draw_figure(const SweepFile& sweep, const SweepOutcome& outcome) {
  if (!anything_to_draw(outcome)) return "every cell diverged or failed";
  if (sweep.figure->kind == Figure::Kind::heatmap) {
    const Heatmap map = heatmap_of(sweep, outcome);
    write_file(outcome.out + "/figure.csv", heatmap_csv(sweep, map));
    write_file(outcome.out + "/figure.gp", heatmap_script(sweep, map));
  } else {
    const std::vector<Curve> curves = curves_of(sweep, outcome);
    write_file(outcome.out + "/figure.csv", curves_csv(curves));
    write_file(outcome.out + "/figure.gp", curves_script(sweep, outcome, curves));
  }
  return run_gnuplot(outcome.out);
}

}  // namespace threepc
