// threepc sweep and reproduce as a user meets them: tables, resuming, divergence, time limits, Ctrl+C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Row = std::map<std::string, std::string>;

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line + ",");
  for (std::string field; std::getline(in, field, ',');) out.push_back(field);
  return out;
}

/// By the cell's name; only for files without quoted fields.
std::map<std::string, Row> read_csv(const std::string& file) {
  std::istringstream in(read_file(file));
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> header = fields(line);
  std::map<std::string, Row> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> values = fields(line);
    EXPECT_EQ(values.size(), header.size()) << line;
    Row row;
    for (std::size_t i = 0; i < std::min(values.size(), header.size()); ++i) row[header[i]] = values[i];
    rows[row["cell"]] = row;
  }
  return rows;
}

/// A sweep of multipliers over small_config: 1 and 64 converge, 4096 diverges.
class Sweep : public testing::Test {
 protected:
  Sweep() {
    folder_.write("base.toml", small_config(4, "tcp", 3000));
    sweep_ = write(
        "metric = \"uplink_floats_per_worker\"\n[set]\nrun.stop.grad_norm = 1e-2\n"
        "[grid]\noptimizer.multiplier = [1, 16, 4096]\n[best]\nover = \"optimizer.multiplier\"\n");
  }

  std::string write(const std::string& rest) const { return folder_.write("s.toml", "base = \"base.toml\"\n" + rest); }
  std::string out() const { return folder_.path("out"); }
  std::string cell(const std::string& name) const { return out() + "/cells/" + name; }
  Result run(std::vector<std::string> more = {}, const std::string& command = "sweep") const {
    std::vector<std::string> arguments = {command, sweep_, "--out", out(), "--jobs", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
  std::map<std::string, Row> rows() const { return read_csv(out() + "/sweep.csv"); }

  /// A cell that would run for minutes.
  void make_slow(const std::string& rest = "") {
    folder_.write("base.toml", small_config(20, "inproc", 100000000));
    sweep_ = write(rest + "[grid]\nrun.seed = [1, 2, 3]\n");
  }

  const Folder folder_;
  std::string sweep_;
};

TEST_F(Sweep, WritesARowForEachCell) {
  const Result result = run();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto table = rows();
  ASSERT_EQ(table.size(), 3u);
  const Row& row = table.at("multiplier=16");
  const auto summary = read_summary(cell("multiplier=16"));
  EXPECT_EQ(row.at("status"), "reached");
  EXPECT_EQ(row.at("stopped_by"), "grad_norm");
  EXPECT_EQ(row.at("rounds"), summary["round"].dump());
  EXPECT_EQ(row.at("x_hash"), summary["x_hash"].get<std::string>());
  EXPECT_EQ(row.at("optimizer.multiplier"), "16");
  EXPECT_EQ(std::stod(row.at("stepsize")), summary["stepsize"].get<double>());
  EXPECT_LE(std::stod(row.at("grad_norm")), 1e-2);
  EXPECT_EQ(table.at("multiplier=4096").at("status"), "diverged");
  EXPECT_THAT(result.err, HasSubstr("cell 3 of 3"));
}

TEST_F(Sweep, ACellIsTheRunThatItsConfigurationSays) {
  run();
  const Result again =
      run_program({"run", cell("multiplier=16") + "/config.toml", "--out", folder_.path("again"), "--quiet"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_summary(folder_.path("again"))["x_hash"].get<std::string>(), rows()["multiplier=16"]["x_hash"]);
}

TEST_F(Sweep, TheBestOfTheAxisIsFound) {
  EXPECT_THAT(run().out, HasSubstr("optimizer.multiplier = 16"));
  const auto best = read_csv(out() + "/best.csv");
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(best.begin()->first, "multiplier=16");
  EXPECT_EQ(best.begin()->second.at("at_edge"), "false");
}

TEST_F(Sweep, FinishedCellsAreNotRunAgain) {
  run();
  const auto before = fs::last_write_time(cell("multiplier=1") + "/summary.json");
  fs::remove(cell("multiplier=16") + "/summary.json");
  const std::string table = read_file(out() + "/best.csv");
  EXPECT_THAT(run().err, HasSubstr("2 of 3 cells are finished already"));
  EXPECT_EQ(fs::last_write_time(cell("multiplier=1") + "/summary.json"), before);
  EXPECT_TRUE(fs::exists(cell("multiplier=16") + "/summary.json"));
  run({"--force"});
  EXPECT_NE(fs::last_write_time(cell("multiplier=1") + "/summary.json"), before);
}

TEST_F(Sweep, AChangedConfigurationIsRunAgain) {
  run();
  const std::string before = rows()["multiplier=16"]["x_hash"];
  EXPECT_THAT(run({"--set", "run.seed=2"}).err, testing::Not(HasSubstr("finished already")));
  EXPECT_NE(rows()["multiplier=16"]["x_hash"], before);
}

TEST_F(Sweep, AMovedFolderIsNotRunAgain) {
  run();
  fs::rename(out(), folder_.path("moved"));
  EXPECT_THAT(run_program({"sweep", sweep_, "--out", folder_.path("moved")}).err,
              HasSubstr("3 of 3 cells are finished already"));
}

TEST_F(Sweep, QuietMeansSilent) {
  const Result result = run({"--quiet"});
  EXPECT_EQ(result.out + result.err, "");
  EXPECT_EQ(rows().size(), 3u);
}

TEST_F(Sweep, ATimeLimitIsAResultAndStays) {
  make_slow("timeout = 0.5\n");
  ASSERT_EQ(run().exit_code, 0);
  for (const auto& [name, row] : rows()) {
    EXPECT_EQ(row.at("status"), "timeout") << name;
    EXPECT_EQ(row.at("stopped_by"), "timeout") << name;
  }
  EXPECT_THAT(run().err, HasSubstr("3 of 3 cells are finished already"));
  sweep_ = write("timeout = 0.6\n[grid]\nrun.seed = [1, 2, 3]\n");
  EXPECT_THAT(run().err, testing::Not(HasSubstr("finished already")));
}

TEST_F(Sweep, ABadAxisIsFoundBeforeAnythingRuns) {
  sweep_ = write("[grid]\nrun.seed = [1]\nmechanism.zeta = [2]\n");
  const Result result = run();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("s.toml:4:19: unknown key 'zeta' in [mechanism]"));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Sweep, AFailedCellIsReportedAndTheOthersRun) {
  sweep_ = write("[set]\nrun.rounds = 5\n[grid]\nmechanism.compressor.k = [5, 5000]\n");
  const Result result = run({"--quiet"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("cell k=5000 failed: "));
  EXPECT_THAT(result.err, HasSubstr("k"));
  EXPECT_EQ(rows()["k=5"]["status"], "ended");
  EXPECT_EQ(rows()["k=5000"]["status"], "failed");
}

TEST_F(Sweep, InterruptEndsTheChildrenAndTheNextOneGoesOn) {
  make_slow();
  Process process({"sweep", sweep_, "--out", out(), "--jobs", "2"});
  for (int i = 0; i < 1000 && !fs::exists(cell("seed=2") + "/metrics.jsonl"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const std::vector<pid_t> children = children_of(process.id());
  EXPECT_EQ(children.size(), 2u);
  process.signal(SIGINT);
  EXPECT_EQ(process.wait().exit_code, 130);
  EXPECT_TRUE(gone_within(children, 1));
  EXPECT_EQ(rows().size(), 0u);

  ASSERT_EQ(run({"--set", "run.rounds=3"}).exit_code, 0);
  EXPECT_EQ(rows().size(), 3u);
}

TEST_F(Sweep, ACellThatWasInterruptedGoesOnFromItsCheckpoint) {
  make_slow();
  for (int times = 0; times < 2; ++times) {
    Process process({"sweep", sweep_, "--out", out(), "--jobs", "3"});
    const std::size_t lines = times == 0 ? 0 : read_metrics(cell("seed=3")).size();
    ASSERT_TRUE(wait_for_lines(cell("seed=3"), lines + 2));
    process.signal(SIGINT);
    ASSERT_EQ(process.wait().exit_code, 130);
  }
  const std::string log = read_file(cell("seed=3") + "/log.txt");
  EXPECT_THAT(log, HasSubstr("resumed"));
  std::int64_t round = -1;
  for (const auto& line : read_metrics(cell("seed=3"))) EXPECT_EQ(line["round"], ++round);
}

TEST_F(Sweep, ChildrenDoNotOutliveAKilledSweep) {
  make_slow();
  Process process({"sweep", sweep_, "--out", out(), "--jobs", "2"});
  for (int i = 0; i < 1000 && !fs::exists(cell("seed=2") + "/metrics.jsonl"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const std::vector<pid_t> children = children_of(process.id());
  EXPECT_EQ(children.size(), 2u);
  process.signal(SIGKILL);
  process.wait();
  EXPECT_TRUE(gone_within(children, 5));
}

TEST_F(Sweep, ReproduceComparesAndDraws) {
  sweep_ = write(
      "metric = \"uplink_floats_per_worker\"\n[set]\nrun.stop.grad_norm = 1e-2\n"
      "[grid]\noptimizer.multiplier = [1, 16]\n[best]\nover = \"optimizer.multiplier\"\n"
      "[[case]]\nname = \"EF21-Top5\"\n[figure]\nfactor = 32e-3\nlabel = \"kbit\"\n"
      "[[published]]\nsource = \"a friend\"\ncurves.EF21-Top5 = 123\n");
  const Result result = run({}, "reproduce");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("[1] a friend"));
  EXPECT_THAT(result.out, testing::ContainsRegex("EF21-Top5 +[0-9.]+ \\* +16 +123"));
  EXPECT_THAT(read_file(out() + "/comparison.txt"), testing::StartsWith("  kbit to the tolerance\n"));
  const double floats = std::stod(read_csv(out() + "/best.csv").begin()->second.at("uplink_floats_per_worker"));
  EXPECT_THAT(read_file(out() + "/figure.csv"), HasSubstr("\nEF21-Top5," + nlohmann::json(floats * 32e-3).dump()));
  const bool drawn = result.err.find("gnuplot is not installed") == std::string::npos;
  EXPECT_EQ(fs::exists(out() + "/figure.png"), drawn);
  EXPECT_EQ(fs::exists(out() + "/figure.svg"), drawn);
}

/// The label of a table holds commas and quotes, which are gnuplot's as well as CSV's.
TEST_F(Sweep, AHeatMapOverATableAxisHasTheNumbersOfItsTable) {
  sweep_ = write(
      "metric = \"uplink_floats_per_worker\"\n[set]\nrun.stop.grad_norm = 1e-1\n[grid]\n"
      "mechanism.compressor = [{plugin = \"topk\", k = 5}, {plugin = \"randk\", k = 25, scaled = false}]\n"
      "optimizer.multiplier = [1, 2]\n[figure]\nkind = \"heatmap\"\nrows = \"mechanism.compressor\"\n"
      "columns = \"optimizer.multiplier\"\n");
  ASSERT_EQ(run({}, "reproduce").exit_code, 0);
  const std::string script = read_file(out() + "/figure.gp");
  int fields = 0;
  for (const auto& item : fs::directory_iterator(out() + "/cells")) {
    const std::string name = item.path().filename().string();
    const std::string place =
        std::string(name.ends_with("multiplier=1") ? "0" : "1") + " " + (name.find("topk") != name.npos ? "0" : "1");
    const auto floats = read_summary(item.path().string())["uplink_floats_per_worker"].get<std::int64_t>();
    EXPECT_THAT(script, HasSubstr("\n" + place + " " + std::to_string(floats) + " ")) << name;
    ++fields;
  }
  EXPECT_EQ(fields, 4);
}

TEST_F(Sweep, ReproduceWithoutGnuplotSaysWhatToInstall) {
  sweep_ = write("[set]\nrun.rounds = 3\n[figure]\nkind = \"curves\"\n");
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const Result result = run({}, "reproduce");
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("gnuplot-nox"));
  EXPECT_THAT(read_file(out() + "/comparison.txt"), HasSubstr(" at the end\n"));  // no tolerance was asked for
  EXPECT_TRUE(fs::exists(out() + "/figure.gp"));
  EXPECT_FALSE(fs::exists(out() + "/figure.png"));
}

TEST(Reproduce, EveryExperimentThatComesWithTheProgramIsRead) {
  const Result list = run_program({"reproduce", "--list"});
  ASSERT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("quadratic-n100"));
  EXPECT_THAT(list.out, HasSubstr("clag-phishing-1e-4"));
  const Result unknown = run_program({"reproduce", "quadratic-n10O"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'quadratic-n10"));
}

}  // namespace
}  // namespace threepc::test
