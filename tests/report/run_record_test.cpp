#include "report/run_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>

#include "failure.hpp"
#include "run_folder.hpp"

namespace threepc::test {
namespace {

using report::labels;
using report::read_run;
using report::RunRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string two_lines = metrics_line(0, 4) + metrics_line(1, 2);
constexpr std::string_view config = "[run]\nname = \"mine\"\n";

std::vector<double> values(const RunRecord& run, const std::string& key) {
  for (const report::Series& series : run.series)
    if (series.key == key) return series.values;
  return {};
}

/// "6 FILE:LINE: why" for a run that must be refused, without the folder's path.
std::string refusal(const Folder& folder, const std::string& run) {
  try {
    read_run(run);
  } catch (const Failure& failure) {
    std::string text = failure.what();
    for (std::size_t at; (at = text.find(folder.path(""))) != std::string::npos;)
      text.erase(at, folder.path("").size());
    return std::to_string(static_cast<int>(failure.code())) + " " + text;
  }
  return "accepted";
}

std::string refusal_of_metrics(const std::string& metrics) {
  const Folder folder;
  return refusal(folder, write_run(folder, "run", config, metrics));
}

TEST(RunRecord, AFinishedRunIsReadWithoutANote) {
  const Folder folder;
  const RunRecord run = read_run(write_finished_run(folder, "a", "my run"));
  EXPECT_EQ(run.name, "my run");
  EXPECT_EQ(run.rows(), 3u);
  EXPECT_THAT(values(run, "grad_norm"), ElementsAre(8, 2, 0.5));
  EXPECT_EQ(run.settings.at("mechanism.plugin"), "\"ef21\"");
  EXPECT_EQ(run.summary["stopped_by"], "rounds");
  EXPECT_THAT(run.notes, IsEmpty());
}

TEST(RunRecord, AnUnfinishedRunIsReadWithANote) {
  const Folder folder;
  const RunRecord run = read_run(write_run(folder, "a", config, two_lines));
  EXPECT_EQ(run.rows(), 2u);
  EXPECT_TRUE(run.summary.is_null());
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("no summary.json")));
}

TEST(RunRecord, ATornLastLineIsLeftOutWithANote) {
  const Folder folder;
  const RunRecord run = read_run(write_run(folder, "a", config, two_lines + R"({"round":2,"f":0.)", "{}"));
  EXPECT_EQ(run.rows(), 2u);
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("torn")));
}

TEST(RunRecord, ALastLineThatOnlyLacksItsEndCounts) {
  const Folder folder;
  const RunRecord run = read_run(write_run(folder, "a", config, two_lines + R"({"round":2,"f":0.5})", "{}"));
  EXPECT_THAT(values(run, "round"), ElementsAre(0, 1, 2));
  EXPECT_THAT(run.notes, IsEmpty());
}

TEST(RunRecord, ARunThatHasOnlyBegunIsReadWithNotes) {
  const Folder folder;
  const RunRecord run = read_run(write_run(folder, "a", config, ""));
  EXPECT_EQ(run.rows(), 0u);
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("no metrics yet"), HasSubstr("no summary.json")));
}

TEST(RunRecord, AConfigurationOrSummaryThatCannotBeReadIsANote) {
  const Folder folder;
  const RunRecord run = read_run(write_run(folder, "a", "[run\n", two_lines, "{\"round\": 1"));
  EXPECT_EQ(run.name, "a");
  EXPECT_THAT(run.settings, IsEmpty());
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("config.toml:1:"), HasSubstr("summary.json is not a JSON object")));
}

TEST(RunRecord, NestingDeeperThanAStackHarmsNothing) {
  const Folder folder;
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const RunRecord run = read_run(write_run(folder, "a", config, "{\"round\":0,\"x\":" + deep + "}\n",
                                           "{\"plugins\":" + deep + ",\"stopped_by\":\"rounds\",\"dim\":3}"));
  EXPECT_EQ(run.lines, 1u);
  EXPECT_EQ(run.summary.dump(), R"({"dim":3,"stopped_by":"rounds"})");
}

TEST(RunRecord, EveryNumericKeyIsASeriesAndNullIsUnavailable) {
  const Folder folder;
  const RunRecord run = read_run(write_run(folder, "a", config,
                                           "{\"round\":0,\"f\":null,\"phase\":\"warm\",\"on\":true}\n"
                                           "{\"round\":5,\"f\":1.5,\"G\":2,\"list\":[1]}\n{\"round\":6}\n"));
  ASSERT_EQ(run.series.size(), 3u);
  EXPECT_THAT(values(run, "round"), ElementsAre(0, 5, 6));
  EXPECT_THAT(values(run, "f"), ElementsAre(testing::IsNan(), 1.5, testing::IsNan()));
  EXPECT_THAT(values(run, "G"), ElementsAre(testing::IsNan(), 2, testing::IsNan()));
}

TEST(RunRecord, KeysAreBounded) {
  const Folder folder;
  nlohmann::ordered_json line = {{"round", 0}};
  for (int i = 0; i < 1000; ++i) line["key" + std::to_string(i)] = i;
  const RunRecord run = read_run(write_run(folder, "a", config, line.dump() + "\n", "{}"));
  EXPECT_EQ(run.series.size(), 64u);
  EXPECT_THAT(values(run, "key0"), ElementsAre(0));
  EXPECT_THAT(values(run, "round"), ElementsAre(0));
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("more than 64 keys")));
}

TEST(RunRecord, WhatIsNoFileIsNotRead) {
  const Folder folder;
  const std::string run = write_run(folder, "a", "", two_lines);
  ASSERT_EQ(mkfifo((run + "/config.toml").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", run + "/summary.json");
  EXPECT_THAT(read_run(run).notes, ElementsAre(HasSubstr("config.toml is a folder, a pipe or a device"),
                                               HasSubstr("summary.json is a folder, a pipe or a device")));
  const std::string folders = write_run(folder, "run", config, "");
  std::filesystem::create_directory(folders + "/metrics.jsonl");
  EXPECT_THAT(refusal(folder, folders), HasSubstr("6 run/metrics.jsonl: expected a file"));
}

TEST(RunRecord, SettingsAreBounded) {
  const Folder folder;
  std::string many = "[mechanism]\n";
  nlohmann::ordered_json summary;
  for (int i = 0; i < 2000; ++i) {
    many += "key" + std::to_string(i) + " = 1\n";
    summary["key" + std::to_string(i)] = i;
  }
  const RunRecord run = read_run(write_run(folder, "a", many, two_lines, summary.dump()));
  EXPECT_EQ(run.settings.size(), 500u);
  EXPECT_EQ(run.summary.size(), 500u);
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("config.toml has more than 500 keys"),
                                     HasSubstr("summary.json has more than 500 keys")));
}

TEST(RunRecord, MalformedMetricsAreRefusedWithTheirLine) {
  const std::string next = metrics_line(1, 2);
  EXPECT_THAT(refusal_of_metrics("{\"round\":0\n" + next), HasSubstr("6 run/metrics.jsonl:1: expected a JSON object"));
  EXPECT_THAT(refusal_of_metrics("{\"round\":0}\n[1]\n"), HasSubstr("6 run/metrics.jsonl:2: expected a JSON object"));
  EXPECT_THAT(refusal_of_metrics("{\"round\":0}\n\n" + next), HasSubstr("6 run/metrics.jsonl:2: "));
  EXPECT_THAT(refusal_of_metrics("{\"round\":0,\"f\":NaN}\n" + next), HasSubstr("6 run/metrics.jsonl:1: "));
  EXPECT_THAT(refusal_of_metrics("{\"f\":1}\n"), HasSubstr("6 run/metrics.jsonl:1: the line has no number \"round\""));
  EXPECT_THAT(refusal_of_metrics("{\"round\":\"0\"}\n"), HasSubstr("the line has no number \"round\""));
  EXPECT_THAT(refusal_of_metrics("{\"round\":3}\n{\"round\":3}\n"),
              HasSubstr("6 run/metrics.jsonl:2: round 3 follows"));
  EXPECT_THAT(refusal_of_metrics(std::string("\0\0\0\n", 4) + next), HasSubstr("but found '\\u0000"));
}

TEST(RunRecord, AFolderThatIsNoRunIsRefused) {
  const Folder folder;
  EXPECT_THAT(refusal(folder, folder.path("nothing")), HasSubstr("2 nothing: there is no such folder"));
  const std::string run = write_run(folder, "runs/a", config, two_lines);
  EXPECT_THAT(refusal(folder, folder.path("runs")), HasSubstr("2 runs: is not the folder of a run"));
  EXPECT_THAT(refusal(folder, folder.path("runs")), HasSubstr("there are runs in it: runs/a"));
  EXPECT_THAT(refusal(folder, run + "/metrics.jsonl"), HasSubstr("but this is a file"));
}

RunRecord named(const std::string& name, const std::string& folder) {
  RunRecord run;
  run.name = name;
  run.folder = folder;
  return run;
}

TEST(Labels, AreTheNamesWhereTheyDiffer) {
  EXPECT_THAT(labels({named("ef21", "runs/1"), named("clag", "runs/2")}), ElementsAre("ef21", "clag"));
}

TEST(Labels, AreTheFoldersOfNamesakes) {
  EXPECT_THAT(labels({named("q", "runs/a"), named("q", "runs/b/"), named("other", "runs/c")}),
              ElementsAre("a", "b", "other"));
  EXPECT_THAT(labels({named("q", "x/a"), named("q", "y/a")}), ElementsAre("x/a", "y/a"));
}

TEST(Labels, AreNeverTheSame) {
  EXPECT_THAT(labels({named("b", "runs/1"), named("q", "runs/a"), named("q", "runs/b")}), ElementsAre("1", "a", "b"));
}

}  // namespace
}  // namespace threepc::test
