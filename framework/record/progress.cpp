#include "record/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "shell.hpp"

namespace threepc {
namespace {

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
std::string
format(const char* pattern, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

/// "12.3 kbit", decimal prefixes, as the papers plot it.
std::string quantity(double value, const char* unit) {
  static constexpr const char* prefixes[] = {"", "k", "M", "G", "T"};
  std::size_t prefix = 0;
  for (; value >= 1000 && prefix < 4; ++prefix) value /= 1000;
  return format(prefix == 0 ? "%.0f %s%s" : "%.2f %s%s", value, prefixes[prefix], unit);
}

std::string duration(double seconds) {
  if (seconds < 60) return format("%.1f s", seconds);
  if (seconds < 3600) return format("%d min %02d s", int(seconds) / 60, int(seconds) % 60);
  return format("%d h %02d min", int(seconds) / 3600, int(seconds) / 60 % 60);
}

std::string number(double value) { return std::isfinite(value) ? format("%.6g", value) : "unavailable"; }

std::string target(const StopRules& stop) {
  if (stop.grad_norm) return format(" (stops at %.3g)", *stop.grad_norm);
  if (stop.grad_norm_sq) return format(" (stops at %.3g)", std::sqrt(*stop.grad_norm_sq));
  return "";
}

constexpr std::size_t unlimited = 1000;

/// What wraps cannot be drawn over, so the last column stays free.
std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1U : 79U;
}

std::string describe(const PluginSpec& spec) {
  std::string text = spec.descriptor->id;
  for (const PluginSpec& child : spec.children) text += " + " + describe(child);
  return text;
}

}  // namespace

Progress::Style Progress::style_of_stderr() { return isatty(STDERR_FILENO) != 0 ? Style::terminal : Style::plain; }

void Progress::show(const Metrics& metrics) {
  if (style_ == Style::quiet || metrics.seconds < next_) return;
  next_ = metrics.seconds + (style_ == Style::terminal ? 0.1 : 2.0);
  if (style_ == Style::terminal) {
    redraw(line(metrics, columns()));
  } else {
    std::fprintf(stderr, "%s\n", line(metrics, unlimited).c_str());
  }
  std::fflush(stderr);
}

void Progress::wait(const std::string& text) {
  if (style_ == Style::terminal) redraw(text.substr(0, columns()));
}

void Progress::redraw(const std::string& text) {
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
  line_open_ = true;
}

void Progress::note(const std::string& text) {
  if (style_ == Style::quiet) return;
  end_line();
  std::fprintf(stderr, "%s\n", text.c_str());
}

void Progress::end_line() {
  if (line_open_) std::fputc('\n', stderr);
  line_open_ = false;
}

/// The time left is the time of all rounds; a stopping rule may end the run earlier.
std::string Progress::line(const Metrics& m, std::size_t width) const {
  const double rate = m.seconds > 0 ? static_cast<double>(m.round) / m.seconds : 0;
  std::string text = format("round %llu of %llu", static_cast<unsigned long long>(m.round),
                            static_cast<unsigned long long>(config_->rounds));
  if (config_->evaluate != Evaluate::off)
    text += format(config_->evaluate == Evaluate::bound ? "  |grad f| <= %.3e" : "  |grad f| %.3e",
                   std::sqrt(m.grad_norm_sq));
  const auto add = [&](const std::string& part) { text += text.size() + part.size() <= width ? part : ""; };
  if (m.round > 0 && rate > 0)  // what a narrow terminal shows before the rest
    add("  < " + duration(static_cast<double>(config_->rounds - std::min(m.round, config_->rounds)) / rate) + " left");
  add(target(config_->stop));
  add("  up " + quantity(m.uplink_bits_per_worker, "bit") + "/worker");
  if (m.round > 0 && rate > 0) add(format("  %.0f rounds/s", rate));
  return text;
}

/// What is neither payload of the method nor of its evaluation: frames, greetings, states of workers that came back.
std::string wire_text(const Metrics& m, std::uint32_t workers) {
  const double per_worker = m.uplink_bits_per_worker + m.downlink_bits_per_worker + m.evaluation_bits_per_worker;
  const double rest = static_cast<double>(m.wire_bytes) - per_worker * workers / 8;
  return quantity(static_cast<double>(m.wire_bytes), "B") +
         (rest > 0 ? " (" + quantity(rest, "B") + " of framing, greetings and states)" : "");
}

/// "test_accuracy" as a person would say it.
std::string spoken(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string final_table(const RunConfig& config, const Summary& s) {
  const Metrics& m = s.last;
  std::string text;
  const auto row = [&](const char* name, const std::string& value) { text += format("  %-20s ", name) + value + "\n"; };
  row("run", config.name + ", " + std::to_string(s.workers) + " workers over " + s.transport);
  row("problem", describe(config.problem) + ", d = " + std::to_string(s.dim));
  row("mechanism", describe(config.mechanism));
  if (config.topology)
    row("graph",
        describe(*config.topology) + ", mixed by " + config.optimizer.descriptor->id + ", relayed by the server");
  row("stopped by", s.stopped_by + " after round " + std::to_string(m.round));
  if (s.worker_losses > 0) row("workers lost", std::to_string(s.worker_losses) + " times");
  if (config.evaluate != Evaluate::off) {
    row(config.topology ? "f(mean of x)" : "f(x)", number(m.f));
    row(config.topology ? "|grad f|" : "|grad f(x)|",
        (config.evaluate == Evaluate::bound ? "at most " : "") + number(std::sqrt(m.grad_norm_sq)));
  }
  for (const NamedValue& metric : m.metrics) row(spoken(metric.key).c_str(), number(metric.value));
  row("step size", number(s.stepsize) + (config.stepsize ? "" : " (theory, times " + number(s.multiplier) + ")"));
  row("uplink per worker",
      quantity(m.uplink_bits_per_worker, "bit") + " (" + quantity(m.uplink_floats_per_worker, "floats") + ")");
  for (const NamedValue& value : m.measured)
    if (value.key == "consensus") row("distance from mean", number(std::sqrt(value.value)) + " of the workers' x, rms");
  if (!config.topology) row("downlink per worker", quantity(m.downlink_bits_per_worker, "bit"));
  if (m.evaluation_bits_per_worker > 0)
    row("evaluation", quantity(m.evaluation_bits_per_worker, "bit") + " per worker, for the metrics alone");
  for (const NamedValue& value : m.measured)
    if (value.key == "exchange_bits_per_worker")
      row("exchanged", quantity(value.value, "bit") + " per worker, by the problem");
  if (m.wire_bytes > 0)
    row("on the wire", config.topology ? quantity(static_cast<double>(m.wire_bytes), "B") : wire_text(m, s.workers));
  row("time",
      duration(m.seconds) + (m.seconds > 0 ? format(", %.0f rounds/s", static_cast<double>(m.round) / m.seconds) : ""));
  row("hash of x", s.x_hash);
  row("written to", config.out);
  if (s.stopped_by == "interrupted") row("go on with", "threepc run --resume " + for_shell(config.out));
  return text;
}

}  // namespace threepc
