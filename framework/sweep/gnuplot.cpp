#include "sweep/gnuplot.hpp"

#include <cctype>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "child_process.hpp"
#include "failure.hpp"
#include "record/json.hpp"
#include "sweep/results.hpp"

namespace threepc {
namespace {

constexpr std::size_t longest = 200;

/// Pictures are UTF-8; a file's name need not be.
std::string drawable(std::string text) {
  if (text.size() > longest) text = text.substr(0, longest) + "...";
  return harmless(parse_json(to_text(Json(text))).get<std::string>());
}

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(" .,:;=+-_()|/").find(c) != std::string_view::npos;
}

std::string octal(char c) {
  char escape[8];
  std::snprintf(escape, sizeof escape, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return escape;
}

/// In the child, before exec: what this program ignores, another may rely on.
struct DefaultSignals : bp::extend::handler {
  template <class Executor>
  void on_exec_setup(Executor&) const {
    std::signal(SIGPIPE, SIG_DFL);
    std::signal(SIGXFSZ, SIG_DFL);
  }
};

}  // namespace

std::string gnuplot_text(const std::string& text) {
  std::string out = "\"";
  bool escaped = false;  // gnuplot takes a digit after an escape as more of it
  for (const char c : drawable(text)) {
    escaped = !stands_for_itself(c) || (escaped && std::isdigit(static_cast<unsigned char>(c)) != 0);
    out += escaped ? octal(c) : std::string(1, c);
  }
  return out + "\"";
}

std::string gnuplot_tic(const std::string& text) {
  std::string doubled;
  for (const char c : text) doubled += c == '%' ? "%%" : std::string(1, c);
  return gnuplot_text(doubled);
}

std::string run_gnuplot(const std::string& folder) {
  for (const char* picture : {"/figure.svg", "/figure.png"}) std::filesystem::remove(folder + picture);
  const auto program = bp::search_path("gnuplot");
  const std::string again = "; then run gnuplot figure.gp in " + folder;
  if (program.empty()) return "gnuplot is not installed; install it (Debian: apt-get install gnuplot-nox)" + again;
  const std::string log = folder + "/gnuplot.txt";
  const int code = bp::system(bp::exe = program, bp::args = {"figure.gp"}, bp::start_dir = folder,
                              bp::std_in<bp::null, bp::std_out> bp::null, bp::std_err > log, DefaultSignals{});
  const std::string text = read_text(log);
  std::remove(log.c_str());
  return code == 0 ? "" : "gnuplot ended with code " + std::to_string(code) + ": " + text + again;
}

}  // namespace threepc
