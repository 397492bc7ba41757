// A run directory is one run's, and what is in it is not lost: not by a second run, not by the same command once more,
// not by what a crash, a full disk or somebody else left there.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;

class Directory : public testing::Test {
 protected:
  std::vector<std::string> arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> out = {"run", config_, "--quiet", "--out", run_};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  static Result resume(const std::string& folder, const std::vector<std::string>& more = {}) {
    std::vector<std::string> out = {"run", "--resume", folder, "--quiet"};
    out.insert(out.end(), more.begin(), more.end());
    return run_program(out);
  }

  std::vector<std::string> checkpoints() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(run_ + "/checkpoint", ignored))
      if (item.path().extension() == ".ckpt") names.push_back(item.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  /// A run that will not end by itself, at work and with two checkpoints.
  std::unique_ptr<Process> long_run() const {
    auto out =
        std::make_unique<Process>(arguments({"--set", "run.rounds=100000000", "--set", "checkpoint.every_rounds=10"}));
    for (int i = 0; i < 6000 && checkpoints().size() < 2; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_GE(checkpoints().size(), 2u);  // three for the moment in which the oldest goes
    return out;
  }
  /// What a power failure leaves.
  void leave_unfinished_run() const {
    const auto run = long_run();
    run->signal(SIGKILL);
    run->wait();
  }
  std::uint64_t last_round() const { return std::stoull(checkpoints().back().substr(6)); }
  std::string rounds(std::uint64_t more) const { return "run.rounds=" + std::to_string(last_round() + more); }
  std::string hash() const { return read_summary(run_)["x_hash"]; }
  /// Of a run that nothing happens to.
  std::string undisturbed_hash(const std::string& rounds) const {
    const Result result =
        run_program({"run", config_, "--quiet", "--force", "--out", folder_.path("whole"), "--set", rounds});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder_.path("whole"))["x_hash"];
  }
  std::vector<std::uint64_t> rounds_in_metrics() const {
    std::vector<std::uint64_t> rounds;
    for (const auto& line : read_metrics(run_)) rounds.push_back(line["round"]);
    return rounds;
  }
  std::string log() const { return read_file(run_ + "/log.txt"); }

  Folder folder_;
  std::string run_ = folder_.path("run");
  std::string config_ = folder_.write("run.toml", small_config(3, "inproc", 400));
};

void expect_refusal(const Result& result, const std::vector<std::string>& words) {
  EXPECT_EQ(result.exit_code, 2) << result.err;
  for (const std::string& word : words)
    EXPECT_NE(result.err.find(word), std::string::npos) << word << ": " << result.err;
}

// ---- one run at a time

TEST_F(Directory, IsOneProcessAlone) {
  const auto first = long_run();
  const std::string holder = "process " + std::to_string(first->id());
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--force"}, {"--resume-or-start"}, {"--set", "run.seed=2"}})
    expect_refusal(run_program(arguments(more)), {run_ + ": is in use by " + holder, "--out"});
  expect_refusal(resume(run_), {"is in use by " + holder});
  first->signal(SIGINT);
  EXPECT_EQ(first->wait().exit_code, 130);
  const std::string set = rounds(50);
  EXPECT_EQ(resume(run_, {"--set", set}).exit_code, 0);
  EXPECT_EQ(hash(), undisturbed_hash(set));
}

TEST_F(Directory, OfARunningSweepIsRefused) {
  folder_.write("base.toml", small_config(2, "inproc", 100000000));
  const std::string sweep = folder_.write("sweep.toml", "base = \"base.toml\"\n[grid]\n\"run.seed\" = [1]\n");
  const std::vector<std::string> arguments = {"sweep", sweep, "--quiet", "--out", run_};
  Process first(arguments);
  for (int i = 0; i < 6000 && !fs::exists(run_ + "/cells/seed=1/metrics.jsonl"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  expect_refusal(run_program(arguments), {run_ + ": is in use by process " + std::to_string(first.id())});
  expect_refusal(resume(run_ + "/cells/seed=1"), {"is in use by process"});
  first.signal(SIGINT);
  EXPECT_EQ(first.wait().exit_code, 130);
}

// ---- the same command once more

TEST_F(Directory, OfAnUnfinishedRunIsNotOverwrittenByTheSameCommand) {
  leave_unfinished_run();
  const std::vector<std::string> before = checkpoints();
  const std::string metrics = read_file(run_ + "/metrics.jsonl");
  expect_refusal(run_program(arguments({})), {"is not finished", "--resume " + run_, "--force"});
  EXPECT_EQ(checkpoints(), before);
  EXPECT_EQ(read_file(run_ + "/metrics.jsonl"), metrics);
  EXPECT_EQ(run_program(arguments({"--force"})).exit_code, 0);
  EXPECT_EQ(hash(), undisturbed_hash("run.rounds=400"));
}

TEST_F(Directory, OfARunWithoutACheckpointIsStartedAnewAndTheLogSaysSo) {
  leave_unfinished_run();
  fs::remove_all(run_ + "/checkpoint");
  EXPECT_EQ(run_program(arguments({})).exit_code, 0);
  EXPECT_EQ(hash(), undisturbed_hash("run.rounds=400"));
  EXPECT_EQ(rounds_in_metrics().size(), 401u);
  EXPECT_NE(log().find("held a run without a checkpoint"), std::string::npos) << log();
}

/// What a supervisor starts over and over.
TEST_F(Directory, ResumeOrStartStartsGoesOnAndFinishes) {
  const std::vector<std::string> command = {"--resume-or-start", "--set", "checkpoint.every_rounds=10"};
  const auto started = [&](const std::string& set) {
    std::vector<std::string> all = command;
    all.insert(all.end(), {"--set", set});
    return arguments(all);
  };
  {
    Process first(started("run.rounds=100000000"));
    for (int i = 0; i < 6000 && checkpoints().size() < 2; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    first.signal(SIGKILL);
    first.wait();
  }
  const std::string rounds_to_do = rounds(50);
  const Result second = run_program(started(rounds_to_do));
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_NE(log().find("resumed after round"), std::string::npos) << log();
  EXPECT_EQ(hash(), undisturbed_hash(rounds_to_do));

  const std::string summary = read_file(run_ + "/summary.json"), metrics = read_file(run_ + "/metrics.jsonl");
  std::vector<std::string> loud = started(rounds_to_do);
  std::erase(loud, "--quiet");
  const Result third = run_program(loud);
  EXPECT_EQ(third.exit_code, 0) << third.err;
  EXPECT_NE(third.err.find("is finished: stopped by rounds"), std::string::npos) << third.err;
  EXPECT_EQ(read_file(run_ + "/summary.json"), summary);
  EXPECT_EQ(read_file(run_ + "/metrics.jsonl"), metrics);

  std::vector<std::string> another = started(rounds_to_do);
  another.insert(another.end(), {"--set", "mechanism.compressor.k=6"});
  expect_refusal(run_program(another), {"'mechanism.compressor.k = 6'"});
}

TEST_F(Directory, ResumeOrStartKeepsCheckpointsThatItCannotUse) {
  leave_unfinished_run();
  for (const std::string& name : checkpoints()) fs::resize_file(run_ + "/checkpoint/" + name, 100);
  const std::vector<std::string> before = checkpoints();
  EXPECT_EQ(run_program(arguments({"--resume-or-start"})).exit_code, 0);
  EXPECT_EQ(hash(), undisturbed_hash("run.rounds=400"));
  for (const std::string& name : before) EXPECT_TRUE(fs::exists(run_ + "/checkpoint/" + name + ".unusable"));
}

TEST_F(Directory, AFinishedRunOfWhichNothingMoreIsAskedStaysAsItIs) {
  ASSERT_EQ(run_program(arguments({"--set", "checkpoint.every_rounds=10"})).exit_code, 0);
  const std::string summary = read_file(run_ + "/summary.json");
  EXPECT_EQ(resume(run_).exit_code, 0);
  EXPECT_EQ(read_file(run_ + "/summary.json"), summary);
  EXPECT_EQ(resume(run_, {"--set", "run.rounds=500"}).exit_code, 0);
  EXPECT_EQ(hash(), undisturbed_hash("run.rounds=500"));
  EXPECT_EQ(rounds_in_metrics().size(), 501u);
}

/// Also where its last line was due to its end alone.
TEST_F(Directory, AnExtendedRunHasTheLinesOfOneThatWasLonger) {
  const std::vector<std::string> every = {"--set", "run.evaluate_every=7"};
  ASSERT_EQ(run_program(arguments({every[0], every[1], "--set", "run.rounds=20"})).exit_code, 0);
  const std::string end = hash();
  EXPECT_EQ(rounds_in_metrics(), (std::vector<std::uint64_t>{0, 7, 14, 20}));

  fs::remove(run_ + "/summary.json");  // as if it had been killed just before its end
  const Result again = Process({"run", "--resume", run_}).wait();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.err.find("warning"), std::string::npos) << again.err;
  EXPECT_EQ(hash(), end);
  EXPECT_EQ(rounds_in_metrics(), (std::vector<std::uint64_t>{0, 7, 14, 20}));

  const Result longer = Process({"run", "--resume", run_, "--set", "run.rounds=30"}).wait();
  EXPECT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_EQ(longer.err.find("warning"), std::string::npos) << longer.err;
  EXPECT_EQ(rounds_in_metrics(), (std::vector<std::uint64_t>{0, 7, 14, 21, 28, 30}));
}

// ---- metrics that are not as they should be

TEST_F(Directory, UnreadableMetricsCostNoOtherLine) {
  leave_unfinished_run();
  const std::string file = run_ + "/metrics.jsonl";
  std::string text = read_file(file);
  const std::size_t third = text.find("\n{\"round\":3,") + 1;
  text.replace(third, 12, "round 3 of 9");  // as progress text that went astray
  std::ofstream(file, std::ios::binary) << text;
  const std::string set = rounds(50);
  Process again({"run", "--resume", run_, "--set", set});
  const Result result = again.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("metrics.jsonl: line 4 cannot be read"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("between the rounds 2 and 4"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("metrics.jsonl.damaged"), std::string::npos) << result.err;
  EXPECT_EQ(read_file(file + ".damaged"), text);
  const std::vector<std::uint64_t> lines = rounds_in_metrics();
  EXPECT_EQ(lines.size(), read_metrics(folder_.path("run")).size());
  EXPECT_EQ(lines.size(), std::stoull(set.substr(11)));  // rounds + 1 - the line that is lost
  EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
  EXPECT_EQ(hash(), undisturbed_hash(set));
}

TEST_F(Directory, MissingMetricsAreSaid) {
  leave_unfinished_run();
  fs::resize_file(run_ + "/metrics.jsonl", read_file(run_ + "/metrics.jsonl").find("\n{\"round\":5,") + 30);
  const std::uint64_t last = last_round();
  const Result result = Process({"run", "--resume", run_, "--set", rounds(50)}).wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("lines are missing after the line of round 4 to round " + std::to_string(last)),
            std::string::npos)
      << result.err;
}

// ---- what is no checkpoint

TEST_F(Directory, WhatOnlyLooksLikeACheckpointIsPassedOver) {
  leave_unfinished_run();
  const std::string last = checkpoints().back(), place = run_ + "/checkpoint/round-9";
  ASSERT_EQ(mkfifo((place + "00000000001.ckpt").c_str(), 0600), 0);
  fs::create_directories(place + "00000000002.ckpt/inside");
  fs::create_symlink("nowhere", place + "00000000003.ckpt");
  std::ofstream(place + "00000000004.ckpt").close();
  fs::resize_file(place + "00000000004.ckpt", std::uint64_t{1} << 40);  // a terabyte of nothing
  fs::copy_file(run_ + "/checkpoint/" + last, place + "00000000005.ckpt");
  fs::resize_file(place + "00000000005.ckpt", std::uint64_t{1} << 40);  // a terabyte that begins well
  fs::create_symlink("/dev/zero", place + "00000000006.ckpt");
  const std::string set = "run.rounds=" + std::to_string(std::stoull(last.substr(6)) + 50);
  const Result result = resume(run_, {"--set", set, "--set", "checkpoint.every_rounds=20"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* said : {"01.ckpt is no regular file", "02.ckpt is a folder", "03.ckpt cannot be read",
                           "04.ckpt is no checkpoint", "05.ckpt is torn or damaged", "06.ckpt is no regular file"})
    EXPECT_NE(result.err.find(said), std::string::npos) << said << ": " << result.err;
  EXPECT_EQ(hash(), undisturbed_hash(set));
  // Nor do they take the place of those that the run has written since.
  EXPECT_GE(checkpoints().size(), 8u);
}

// ---- who may read, and whose plugins are loaded

TEST_F(Directory, IsItsOwnersAlone) {
  ASSERT_EQ(run_program(arguments({"--set", "checkpoint.every_rounds=10"})).exit_code, 0);
  const auto others = [](const fs::path& path) { return fs::status(path).permissions() & fs::perms(0077); };
  EXPECT_EQ(others(run_), fs::perms::none);
  for (const auto& item : fs::recursive_directory_iterator(run_))
    EXPECT_EQ(others(item.path()), fs::perms::none) << item.path();
}

TEST_F(Directory, ThatWasThereKeepsItsMode) {
  fs::create_directory(run_);
  fs::permissions(run_, fs::perms(0750));
  ASSERT_EQ(run_program(arguments({})).exit_code, 0);
  EXPECT_EQ(fs::status(run_).permissions(), fs::perms(0750));
  EXPECT_EQ(fs::status(run_ + "/summary.json").permissions() & fs::perms(0007), fs::perms::none);
}

TEST_F(Directory, ThatOthersCanWriteIsNotResumedWithoutTrust) {
  leave_unfinished_run();
  const std::string set = rounds(50);
  for (const std::string& path : {run_, run_ + "/config.toml"}) {
    const fs::perms before = fs::status(path).permissions();
    fs::permissions(path, fs::perms(0002), fs::perm_options::add);
    expect_refusal(resume(run_, {"--set", set}), {path + " can be written by others", "--trust", "plugins"});
    fs::permissions(path, before);
  }
  fs::permissions(run_, fs::perms(0777));
  EXPECT_EQ(resume(run_, {"--set", set, "--trust"}).exit_code, 0);
}

TEST_F(Directory, ThatBelongsToSomebodyElseIsNotResumedWithoutTrust) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a file somebody else's";
  leave_unfinished_run();
  ASSERT_EQ(chown((run_ + "/config.toml").c_str(), 12345, 12345), 0);
  expect_refusal(resume(run_), {"config.toml belongs to another user (12345)", "--trust"});
}

TEST_F(Directory, PluginFoldersOfAResumedRunAreSaid) {
  const std::string plugins = folder_.path("mine");
  fs::create_directory(plugins);
  ASSERT_EQ(
      run_program(arguments({"--set", "plugins.path=[\"" + plugins + "\"]", "--set", "checkpoint.every_rounds=10"}))
          .exit_code,
      0);
  const Result result = Process({"run", "--resume", run_, "--set", "run.rounds=450"}).wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("plugins of " + plugins + ", as " + run_ + "/config.toml says"), std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace threepc::test
