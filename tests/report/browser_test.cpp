// The page in a browser: Chromium without a window opens it, browser_check.js uses it and logs what it saw, and
// Chromium's log is read here. Skipped where there is no Chromium.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <sstream>

#include "run_folder.hpp"

namespace threepc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

/// THREEPC_CHROMIUM, or the first that is installed; empty without one.
std::string chromium() {
  if (const char* named = std::getenv("THREEPC_CHROMIUM")) return named;
  for (const char* program : {"/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"})
    if (std::filesystem::exists(program)) return program;
  return "";
}

std::string checks() {
  const std::string folder = THREEPC_TEST_SOURCES;
  return read_file(folder + "/browser_colors.js") + read_file(folder + "/browser_check.js");
}

/// Puts the observer before everything else in the page and the checks behind it.
std::string with_checks(std::string page, const std::string& check) {
  const std::string head = "<head>";
  page.insert(page.find(head) + head.size(),
              "<script>" + read_file(std::string(THREEPC_TEST_SOURCES) + "/browser_observer.js") + "</script>");
  return page.insert(page.rfind("</body>"), "<script>const chosen = \"" + check + "\";\n" + checks() + "</script>");
}

/// What the page said on its console, a line each, in Chromium's log.
std::vector<std::string> console(const std::string& log) {
  std::istringstream lines(log);
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);)
    if (line.find(":CONSOLE:") != std::string::npos) out.push_back(line);
  return out;
}

/// Ends Chromium, which may be the child of a script, with the helpers that share its process group.
void end(Process& browser) {
  const std::vector<pid_t> children = children_of(browser.id());
  kill(-browser.id(), SIGTERM);
  browser.wait();
  EXPECT_TRUE(gone_within(children, 20));
}

class Browser : public testing::Test {
 protected:
  void SetUp() override {
    if (chromium().empty())
      GTEST_SKIP() << "no Chromium; install chromium-headless-shell, or name one in THREEPC_CHROMIUM";
  }

  /// Opens the report about `runs` in a window of that width and expects that the checks called `check` find all well.
  void check(const std::vector<std::string>& runs, const std::string& check, int width = 1300) const {
    std::vector<std::string> arguments = {"report", "--out", folder_.path("page.html"), "--quiet"};
    arguments.insert(arguments.end(), runs.begin(), runs.end());
    const Result written = run_program(arguments);
    ASSERT_EQ(written.exit_code, 0) << written.err;
    folder_.write("checked.html", with_checks(read_file(folder_.path("page.html")), check));
    Process browser = open("checked.html", width);
    const std::string log = browser.wait_for_stderr("all was checked", 120);
    end(browser);
    for (const std::string& line : console(log))
      EXPECT_THAT(line, AnyOf(HasSubstr("\"ok: "), HasSubstr("\"all was checked")));
  }

  Process open(const std::string& page, int width) const {
    return Process(
        {"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
         "--user-data-dir=" + folder_.path("profile"), "--window-size=" + std::to_string(width) + ",3000",
         "--enable-logging=stderr", "file://" + folder_.path(page)},
        chromium());
  }

  std::string trained(const std::string& name, const std::string& mechanism) const {
    const std::string config = folder_.write("run.toml", small_config(3, "inproc", 200));
    EXPECT_EQ(run_program({"run", config, "--quiet", "--out", folder_.path(name), "--set", "run.name=" + name, "--set",
                           "mechanism.plugin=" + mechanism})
                  .exit_code,
              0);
    return folder_.path(name);
  }

  /// Two that were trained for 200 rounds, and one with measured constants and a torn last line.
  std::vector<std::string> three_runs() const {
    std::string metrics;
    for (int round = 0; round < 3; ++round) {
      nlohmann::json line = nlohmann::json::parse(metrics_line(round, 4 - round));
      line.update(
          {{"G", 3 - round}, {"compression_error.compressor", 1.0 / (1 + round)}, {"compression_bound.compressor", 2}});
      metrics += line.dump() + "\n";
    }
    const std::string measured =
        write_run(folder_, "measured", "[run]\nname = \"measured\"\n", metrics + "{\"round\":3,\"gr");
    return {trained("ef21", "ef21"), trained("clag", "clag"), measured};
  }

  const Folder folder_;
};

TEST_F(Browser, DrawsAndTogglesCurves) { check(three_runs(), "curves"); }
TEST_F(Browser, SwitchesAxes) { check(three_runs(), "axes"); }
TEST_F(Browser, SavesPicturesAndValues) { check(three_runs(), "exports"); }
TEST_F(Browser, IsLightDarkAndPrinted) { check(three_runs(), "themes"); }

TEST_F(Browser, NamesFromFilesAreHarmless) {
  const std::string hostile =
      "<b>%{x}&amp;</script><script>window.harmed = 1</script><img src=x onerror=\"window.harmed = 1\">";
  const std::string metrics =
      "{\"round\":0,\"grad_norm\":2,\"grad_norm_sq\":4,\"<img src=x "
      "onerror='harmed=1'>\":1,\"constructor\":1,\"__proto__\":1}\n" +
      metrics_line(1, 1);
  const std::string run = write_run(
      folder_, "a",
      "[run]\nname = " + nlohmann::json(hostile).dump() + "\n[constructor]\n\"<b>\" = \"<i>\"\n[__proto__]\nx = 1\n",
      metrics, R"({"stopped_by": "<img src=x onerror='window.harmed = 1'>"})");
  check({run, write_finished_run(folder_, "b", "=1+1")}, "hostile");
}

TEST_F(Browser, ShowsWhatBrokenRunsHave) {
  const std::string begun = write_run(folder_, "begun", "[run]\nname = \"begun\"\n", "");
  const std::string nulls =
      write_run(folder_, "nulls", "", "{\"round\":0,\"f\":null,\"grad_norm\":null,\"grad_norm_sq\":null}\n");
  check({begun}, "broken");
  check({begun, nulls}, "broken");
}

TEST_F(Browser, ARunThatDivergedLeavesTheFrame) {
  const std::string metrics = metrics_line(0, 8) + metrics_line(1, 1e30) + metrics_line(100000, 1e100);
  const std::string run =
      write_run(folder_, "wild", "[run]\nname = \"wild\"\n", metrics, R"({"stopped_by": "diverged"})");
  check({write_finished_run(folder_, "tame", "tame"), run}, "diverged");
}

std::vector<std::string> runs_in(const Folder& folder, int count) {
  std::vector<std::string> runs;
  for (int i = 0; i < count; ++i)
    runs.push_back(write_finished_run(folder, "r" + std::to_string(i), "clag k=" + std::to_string(i) + " zeta=1"));
  return runs;
}

TEST_F(Browser, ColourBlindReadersTellCurvesApart) { check(runs_in(folder_, 8), "colors"); }
TEST_F(Browser, TwentyRunsFitOnPaper) { check(runs_in(folder_, 20), "paper", 680); }
TEST_F(Browser, OfManyRunsTheFirstAreShown) { check(runs_in(folder_, 70), "many"); }

TEST_F(Browser, CostsAreExactThoughLinesAreThinned) {
  std::string metrics;
  for (int round = 0; round < 20'000; ++round) metrics += metrics_line(round, 8 * std::exp(-0.0005 * round));
  check({write_run(folder_, "long", "[run]\nname = \"long\"\n", metrics)}, "costs");
}

TEST_F(Browser, FitsAPhone) {
  check({write_finished_run(folder_, "a", "a"), write_finished_run(folder_, "b", "a much longer name of a run")},
        "narrow", 390);
}

}  // namespace
}  // namespace threepc::test
