// threepc report as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "run_folder.hpp"

namespace threepc::test {
namespace {

using testing::HasSubstr;

class ReportCommand : public testing::Test {
 protected:
  Result report(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "report");
    return run_program(arguments);
  }

  const Folder folder_;
  const std::string run_ = write_finished_run(folder_, "a", "a");
  const std::string out_ = folder_.path("page.html");
};

TEST_F(ReportCommand, WritesOnePageAndPrintsItsPath) {
  const Result result = report({run_, "--out", out_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, out_ + "\n");
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(read_file(out_), HasSubstr("plotly.js (basic - minified)"));
  EXPECT_FALSE(std::filesystem::exists(out_ + ".partial"));
}

TEST_F(ReportCommand, DrawsARunThatTheProgramWrote) {
  const std::string config = folder_.write("run.toml", small_config(3, "inproc", 20));
  ASSERT_EQ(run_program({"run", config, "--quiet", "--out", folder_.path("b")}).exit_code, 0);
  ASSERT_EQ(report({run_, folder_.path("b"), "--out", out_}).exit_code, 0);
  EXPECT_THAT(read_file(out_), HasSubstr("\"problem.plugin\":\"\\\"quadratic\\\"\""));
}

TEST_F(ReportCommand, IsSilentWithQuiet) {
  const Result result = report({run_, "--out", out_, "--quiet"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out + result.err, "");
}

TEST_F(ReportCommand, AFolderGivenTwiceIsDrawnOnce) {
  ASSERT_EQ(report({run_, run_ + "/", "--out", out_}).exit_code, 0);
  const std::string once = read_file(out_);
  ASSERT_EQ(report({run_, "--out", out_}).exit_code, 0);
  EXPECT_EQ(read_file(out_), once);
}

TEST_F(ReportCommand, ReplacesAnEarlierReportButNothingElse) {
  ASSERT_EQ(report({run_, "--out", out_}).exit_code, 0);
  EXPECT_EQ(report({run_, "--out", out_}).exit_code, 0);
  folder_.write("page.html", "my thesis");
  const Result refused = report({run_, "--out", out_});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("page.html: exists and is not a report"));
  EXPECT_EQ(read_file(out_), "my thesis");
  EXPECT_EQ(report({run_, "--out", out_, "--force"}).exit_code, 0);
  EXPECT_EQ(report({run_, "--out", folder_.path(""), "--force"}).exit_code, 2);
}

TEST_F(ReportCommand, ARunThatIsRefusedLeavesTheEarlierReport) {
  ASSERT_EQ(report({run_, "--out", out_}).exit_code, 0);
  const std::string before = read_file(out_);
  const std::string bad = write_run(folder_, "bad", "", "{\"round\":0}\nnonsense\n{\"round\":2}\n");
  const Result malformed = report({run_, bad, "--out", out_});
  EXPECT_EQ(malformed.exit_code, 6);
  EXPECT_THAT(malformed.err, HasSubstr("bad/metrics.jsonl:2: expected a JSON object"));
  EXPECT_EQ(report({run_, folder_.path("none"), "--out", out_}).exit_code, 2);
  EXPECT_EQ(read_file(out_), before);
}

TEST_F(ReportCommand, WaitsForNoPipe) {
  const std::string run = write_run(folder_, "pipe", "", "", "");
  ASSERT_EQ(mkfifo((run + "/metrics.jsonl").c_str(), 0600), 0);
  const Result refused = report({run, "--out", out_});
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_THAT(refused.err, HasSubstr("pipe/metrics.jsonl: expected a file with a JSON object a line, but this is a"));

  ASSERT_EQ(mkfifo((out_ + ".partial").c_str(), 0600), 0);
  EXPECT_THAT(report({run_, "--out", out_}).err, HasSubstr("page.html.partial: the page is first written here"));
}

TEST_F(ReportCommand, ExplainsItself) {
  EXPECT_EQ(report({}).exit_code, 2);
  EXPECT_THAT(report({"--help"}).out, HasSubstr("Example: threepc report runs/"));
  const Result unwritable = report({run_, "--out", folder_.path("no/such/folder.html")});
  EXPECT_EQ(unwritable.exit_code, 1);
  EXPECT_THAT(unwritable.err, HasSubstr("folder.html: cannot be written"));
}

}  // namespace
}  // namespace threepc::test
