// What a person sees while a run goes on, and at its end.
#pragma once

#include <string>

#include "config/run_config.hpp"
#include "record/metrics.hpp"
#include "record/summary.hpp"

namespace threepc {

/// One line on stderr: rewritten in place on a terminal, a new plain line every few seconds in a pipe, nothing
/// when quiet.
class Progress {
 public:
  enum class Style { terminal, plain, quiet };

  /// terminal or plain, as stderr is one or not.
  static Style style_of_stderr();

  Progress(const RunConfig& config, Style style) : config_(&config), style_(style) {}
  ~Progress() { end_line(); }

  /// At an evaluated round; draws only as often as an eye can follow.
  void show(const Metrics& metrics);
  /// What a person at a terminal waits for before there is a round to show.
  void wait(const std::string& text);
  /// Ends the line on a terminal, before something else is printed.
  void end_line();
  /// A sentence of its own, such as "waiting for 3 workers at ...".
  void note(const std::string& text);

 private:
  std::string line(const Metrics& metrics, std::size_t width) const;
  void redraw(const std::string& text);

  const RunConfig* config_;
  Style style_;
  bool line_open_ = false;
  double next_ = 0;  // seconds
};

/// The table at the end of a run, for stdout.
std::string final_table(const RunConfig& config, const Summary& summary);

}  // namespace threepc
