// A sweep as the user describes it: one TOML file with a base configuration and what varies.
//
//   title = "CLAG on phishing"
//   base = "../phishing.toml"            or a table [base] that holds a run's configuration
//   metric = "uplink_bits_per_worker"    what the best cell minimises
//   timeout = 600                        seconds, per cell
//   [set]                                settings of every cell, over the base
//   [grid]                               axes: "mechanism.zeta" = [0, 2, 8], "optimizer.multiplier" = "2^0..2^11"
//   [best]
//   over = "optimizer.multiplier"        an axis, or a list of axes
//   [[case]]                             a named method: its own settings, and axes of its own under [case.grid]
//   [figure]  [[published]]  [quick]     what `threepc reproduce` draws, compares with, and shortens
//
// A cell runs over the transport inproc unless the sweep file says otherwise. Settings merge key by key into what is
// there; a table that names a `plugin` replaces the whole table.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "sweep/axis.hpp"

namespace threepc {

struct Case {
  std::string name;  // "" for the only case of a file without [[case]]
  Node::Table settings;
  std::vector<Axis> grid;  // of this case alone; an axis of the same key replaces the file's
};

/// [figure]: what `threepc reproduce` draws.
struct Figure {
  enum class Kind { curves, heatmap };
  Kind kind = Kind::curves;
  std::string x = "uplink_floats_per_worker";  // curves: two of metric_names(); y also "metrics.NAME"
  std::string y = "grad_norm_sq";
  std::string rows, columns;  // heatmap: two axes; the value is the sweep's metric
  double factor = 1;          // scales x, or the value: 32 bits a float
  std::string label;          // of x, or of the value
};

/// [[published]]: somebody's result for the same figure, in the figure's units. A bound stands for a curve that
/// leaves the published picture before it reaches the tolerance.
struct Published {
  struct Point {
    double value;
    bool lower_bound;
  };
  std::string source;
  std::map<std::string, Point> points;       // curves: case -> x at which the tolerance is reached
  std::vector<std::vector<double>> heatmap;  // [row][column]
};

struct SweepFile {
  std::string file;       // as given
  std::string name;       // its stem
  std::string title;      // default: the name
  Node base;              // the configuration before anything varies, [set] applied
  std::string base_file;  // relative paths are relative to its folder
  std::string metric = "uplink_bits_per_worker";
  double timeout = 0;  // seconds; 0: none
  std::vector<Axis> grid;
  std::vector<Case> cases;  // at least one
  std::vector<std::string> best_over;
  std::optional<Figure> figure;
  std::vector<Published> published;
};

/// Reads FILE; `quick` applies its [quick] table (set, grid, cases, comparable). Throws Failure(Exit::usage) with
/// FILE:LINE:COLUMN; configurations are checked with the cells.
SweepFile read_sweep(const std::string& file, bool quick = false);

/// Merges `from` into `into` as described above; keys may be paths, "optimizer.multiplier".
void merge(Node& into, const Node::Table& from);

/// Sets the value at a key path; tables on the way are made.
void set_at(Node& into, const std::string& path, const Node& value);

/// The columns of a result that can be minimised or drawn.
const std::vector<std::string>& metric_names();
/// Before the name of one that only the problem knows.
inline constexpr std::string_view problem_metrics = "metrics.";

}  // namespace threepc
