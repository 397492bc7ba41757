#include "sweep/figure.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "child_process.hpp"
#include "record/json.hpp"
#include "sweep/comparison.hpp"

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

/// In double quotes, as gnuplot reads it; the terminals take no markup.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + "\"";
}

/// Metrics are called rounds in tables and round in metrics.jsonl.
std::string json_key(const std::string& metric) { return metric == "rounds" ? "round" : metric; }

double at(const Json& line, const std::string& metric) {
  const Json& value = line.at(json_key(metric));
  return value.is_null() ? NAN : value.get<double>();
}

std::vector<Json> metrics_of(const Cell& cell) {
  std::vector<Json> lines;
  std::ifstream in(cell.folder + "/metrics.jsonl");
  for (std::string text; std::getline(in, text);) {
    Json line = Json::parse(text, nullptr, false);
    if (!line.is_discarded()) lines.push_back(std::move(line));  // the last one may be cut
  }
  return lines;
}

/// Rows "curve,x,y" of one cell. Long runs are thinned evenly; the last point, where the tolerance is met, stays.
std::string curve_rows(const SweepFile& sweep, const std::string& name, const Cell& cell) {
  const std::vector<Json> lines = metrics_of(cell);
  const std::size_t stride = lines.size() / most_points + 1;
  std::string rows;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i % stride != 0 && i + 1 != lines.size()) continue;
    rows += csv_field(name) + "," + number(at(lines[i], sweep.figure->x) * sweep.figure->factor) + "," +
            number(at(lines[i], sweep.figure->y)) + "\n";
  }
  return rows;
}

std::string name_of(const Best& best) { return best.case_name.empty() ? best.closest->name : best.case_name; }

/// What is drawn of a group: its best cell, or the one that came closest.
const Cell* drawn(const Best& best) { return best.cell != nullptr ? best.cell : best.closest; }

std::string curves_csv(const SweepFile& sweep, const SweepOutcome& outcome) {
  std::string text = "curve,x,y\n";
  bool first = true;
  for (const Best& best : outcome.best) {
    if (drawn(best) == nullptr) continue;
    text += (first ? "" : "\n\n") + curve_rows(sweep, name_of(best), *drawn(best));  // blank lines: gnuplot's index
    first = false;
  }
  return text;
}

/// Both formats from one script.
std::string script_start(const char* size) {
  return std::string(
             "# gnuplot figure.gp\n"
             "set datafile separator ','\n"
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

std::string y_label(const std::string& metric) {
  if (metric == "grad_norm_sq") return "||grad f(x)||²";
  return metric == "grad_norm" ? "||grad f(x)||" : metric;
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

std::string curves_script(const SweepFile& sweep, const SweepOutcome& outcome) {
  const auto tolerance = tolerance_of(sweep, outcome);
  std::string labels, plots;
  std::size_t block = 0;
  for (const Best& best : outcome.best) {
    if (drawn(best) == nullptr) continue;
    const char* colour = colours[block % std::size(colours)];
    if (tolerance) labels += marks(sweep, best, colour, *tolerance);
    std::string name = name_of(best);
    for (const std::string& axis : sweep.best_over)
      if (drawn(best)->point.contains(axis))
        name += ", " + axis.substr(axis.rfind('.') + 1) + " " + drawn(best)->point.at(axis);
    plots += std::string(plots.empty() ? "" : ", \\\n") + "  'figure.csv' index " + std::to_string(block++) +
             " using 2:3 with lines linewidth 2.5 linecolor rgb '" + colour + "' title " +
             quoted(name + (best.cell == nullptr ? " (not reached)" : ""));
  }
  if (tolerance) plots += ", \\\n  " + number(*tolerance) + " with lines dashtype 2 linecolor rgb '#888888' notitle";
  if (!labels.empty())
    plots += ", \\\n  NaN with points pointtype 2 pointsize 1.5 linewidth 2 linecolor rgb '#444444' title 'published'";
  return script_start("900,600") + "set title " + quoted(sweep.title) + "\nset xlabel " + quoted(sweep.figure->label) +
         "\nset ylabel " + quoted(y_label(sweep.figure->y)) +
         "\nset logscale xy\nset format y '1e%+03T'\nset grid linecolor rgb '#dddddd'\nset key right top spacing 1.2\n"
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

std::string tics(const char* axis, const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i)
    list += (i == 0 ? "" : ", ") + quoted(names[i]) + " " + std::to_string(i);
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

/// Light colours for few bits; black numbers stay readable on all of them.
std::string heatmap_script(const SweepFile& sweep, const Heatmap& map) {
  const auto edge = [](std::size_t cells) { return number(static_cast<double>(cells) - 0.5); };
  return script_start("860,560") + "set title " + quoted(sweep.title + "\n" + sweep.figure->label) + "\nset xlabel " +
         quoted(sweep.figure->columns) + "\nset ylabel " + quoted(sweep.figure->rows) + "\n" + tics("x", map.columns) +
         tics("y", map.rows) + "set xrange [-0.5:" + edge(map.columns.size()) + "]\nset yrange [" +
         edge(map.rows.size()) +
         ":-0.5]\nunset colorbox\nunset key\nset border 0\n"
         "set palette defined (0 '#1b9e77', 0.35 '#a6dba0', 0.65 '#fee8a8', 1 '#f4a582')\nset logscale cb\n" +
         outline(map) +
         "plot 'figure.csv' skip 1 using 4:3:5 with image pixels, \\\n"
         "  '' skip 1 using 4:3:6 with labels font 'Helvetica,15'\n}\n";
}

/// In the child, before exec: what this program ignores, another may rely on.
struct DefaultSignals : bp::extend::handler {
  template <class Executor>
  void on_exec_setup(Executor&) const {
    std::signal(SIGPIPE, SIG_DFL);
    std::signal(SIGXFSZ, SIG_DFL);
  }
};

std::string run_gnuplot(const std::string& folder) {
  const auto program = bp::search_path("gnuplot");
  const std::string again = "; then: cd " + folder + " && gnuplot figure.gp";
  if (program.empty()) return "gnuplot is not installed; install it (Debian: apt-get install gnuplot-nox)" + again;
  const std::string log = folder + "/gnuplot.txt";
  const int code = bp::system(bp::exe = program, bp::args = {"figure.gp"}, bp::start_dir = folder,
                              bp::std_in<bp::null, bp::std_out> bp::null, bp::std_err > log, DefaultSignals{});
  const std::string text = read_text(log);
  std::remove(log.c_str());
  return code == 0 ? "" : "gnuplot ended with code " + std::to_string(code) + ": " + text + again;
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
    write_file(outcome.out + "/figure.csv", curves_csv(sweep, outcome));
    write_file(outcome.out + "/figure.gp", curves_script(sweep, outcome));
  }
  return run_gnuplot(outcome.out);
}

}  // namespace threepc
