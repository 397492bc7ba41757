// The parts of a run directory: its lock, files that appear whole, metrics on a disk that is full for a while, and
// metrics of a run that goes on.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include "failure.hpp"
#include "folder.hpp"
#include "record/directory_lock.hpp"
#include "record/durable_file.hpp"
#include "record/log.hpp"
#include "record/metrics_continuation.hpp"
#include "record/metrics_file.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

/// While it lives no file can grow beyond so many bytes, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// ---- the lock

TEST(DirectoryLock, HoldsUntilItsProcessEndsHoweverThatIs) {
  const TestFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const DirectoryLock lock(folder.path());
    static_cast<void>(!write(ready[1], "1", 1));
    pause();
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  try {
    const DirectoryLock second(folder.path());
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    const std::string text = failure.what();
    EXPECT_NE(text.find(folder.path() + ": is in use by process " + std::to_string(holder)), std::string::npos) << text;
  }
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  EXPECT_EQ(DirectoryLock(folder.path()).doubt(), "");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(DirectoryLock, IsNotInheritedByProgramsThatAreStarted) {
  const TestFolder folder;
  auto lock = std::make_optional<DirectoryLock>(folder.path());
  const pid_t other = fork();
  if (other == 0) {
    execlp("sleep", "sleep", "60", nullptr);
    _exit(127);
  }
  const std::string name = "/proc/" + std::to_string(other) + "/comm";
  for (int i = 0; i < 6000 && read_file(name) != "sleep\n"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  lock.reset();
  EXPECT_NO_THROW(DirectoryLock(folder.path()));
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

// ---- files and folders

TEST(DurableFile, LeavesWhatWasThereUnlessItIsWhole) {
  const TestFolder folder;
  const std::string file = folder.path("file");
  write_durably(file, "before");
  {
    DurableFile abandoned(file);
    abandoned.add("half", 4);
  }
  EXPECT_EQ(read_file(file), "before");
  {
    const FullDisk full(1000);
    EXPECT_THROW(write_durably(file, std::string(2000, 'x')), std::system_error);
  }
  EXPECT_EQ(read_file(file), "before");
  write_durably(file, "after");
  EXPECT_EQ(read_file(file), "after");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(PrivateFolder, IsItsOwnersUnlessItWasThere) {
  const TestFolder folder;
  const auto mode = [](const std::string& path) { return fs::status(path).permissions(); };
  for (const char* name : {"above/new", "above/slash/"}) {
    make_private_folder(folder.path(name));
    EXPECT_EQ(mode(folder.path(name)), fs::perms::owner_all) << name;
  }
  write_durably(folder.path("above/new/file"), "");
  EXPECT_EQ(mode(folder.path("above/new/file")), fs::perms(0600));

  fs::permissions(folder.path("above"), fs::perms(0750));
  make_private_folder(folder.path("above"));
  EXPECT_EQ(mode(folder.path("above")), fs::perms(0750));
  const mode_t before = umask(0);
  write_durably(folder.path("above/file"), "");
  umask(before);
  EXPECT_EQ(mode(folder.path("above/file")), fs::perms(0640));

  write_durably(folder.path("file"), "");
  EXPECT_THROW(make_private_folder(folder.path("file")), Failure);
  EXPECT_THROW(make_private_folder(folder.path("file/below")), Failure);
}

// ---- metrics on a full disk

std::string line(std::uint64_t round) { return "{\"round\":" + std::to_string(round) + "}"; }

std::string lines(std::uint64_t from, std::uint64_t to) {
  std::string text;
  for (std::uint64_t round = from; round <= to; ++round) text += line(round) + "\n";
  return text;
}

class MetricsFileTest : public testing::Test {
 protected:
  static void add(MetricsFile& metrics, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t round = from; round <= to; ++round) metrics.add(line(round));
  }
  TestFolder folder_;
  std::string file_ = folder_.path("metrics.jsonl");
};

TEST_F(MetricsFileTest, KeepsSoMuchOfWhatIsThereAndAppends) {
  write_durably(file_, lines(0, 9) + "{\"rou");
  MetricsFile metrics(file_, lines(0, 4).size());
  add(metrics, 5, 7);
  EXPECT_EQ(metrics.finish(), "");
  EXPECT_EQ(read_file(file_), lines(0, 7));
}

/// The file has whole lines at any time, also where the space ends inside one.
TEST_F(MetricsFileTest, WaitsForSpace) {
  for (rlim_t space : {0, 1, 100, 101, 110, 111, 112}) {
    MetricsFile metrics(file_, 0);
    {
      const FullDisk full(space);
      add(metrics, 0, 99);
      const std::string loss = metrics.finish();
      EXPECT_NE(loss.find("metrics.jsonl: cannot be written: File too large; "), std::string::npos) << loss;
      const std::string seen = read_file(file_);
      EXPECT_TRUE(lines(0, 99).starts_with(seen));
      EXPECT_TRUE(seen.empty() || seen.ends_with('\n')) << seen;
    }
    add(metrics, 100, 150);
    EXPECT_EQ(metrics.finish(), "");
    EXPECT_EQ(read_file(file_), lines(0, 150));
  }
}

TEST_F(MetricsFileTest, KeepsTheLastLinesWithinItsBound) {
  constexpr std::size_t bound = 1000;
  MetricsFile metrics(file_, 0, bound);
  {
    const FullDisk full(0);
    add(metrics, 0, 999);
    EXPECT_NE(metrics.finish().find("1000 lines are missing"), std::string::npos) << metrics.finish();
  }
  const std::string loss = metrics.finish();
  const std::string seen = read_file(file_);
  EXPECT_TRUE(lines(0, 999).ends_with(seen));
  EXPECT_TRUE(seen.starts_with("{\"round\":"));
  EXPECT_LE(seen.size(), bound);
  EXPECT_GT(seen.size(), bound * 8 / 10);
  const auto kept = std::count(seen.begin(), seen.end(), '\n');
  EXPECT_NE(loss.find("full for too long; " + std::to_string(1000 - kept) + " lines are missing"), std::string::npos)
      << loss;
}

TEST_F(MetricsFileTest, LinesReachTheFileAlthoughNobodyAsks) {
  {
    MetricsFile metrics(file_, 0);
    add(metrics, 0, 0);
    EXPECT_EQ(read_file(file_), lines(0, 0));
    add(metrics, 1, 20000);
    EXPECT_GT(read_file(file_).size(), std::size_t{1} << 16);
  }
  EXPECT_EQ(read_file(file_), lines(0, 20000));
}

TEST_F(MetricsFileTest, SaysWhenItGrowsLarge) {
  const std::string log = folder_.path("log.txt");
  open_log(log, true, false);
  {
    MetricsFile metrics(file_, 0, MetricsFile::most_waiting, 1000);
    for (std::uint64_t round = 0; round < 400; round += 10) add(metrics, round, round + 9), metrics.flush();
  }
  close_log();
  const std::string said = read_file(log);
  EXPECT_EQ(std::ranges::count(said, '\n'), 3) << said;  // at 1000, 2000 and 4000 bytes of 5,000
  EXPECT_NE(said.find("a larger run.evaluate_every writes fewer lines"), std::string::npos) << said;
}

// ---- metrics of a run that goes on

class ContinuationTest : public testing::Test {
 protected:
  Continuation continued(const std::string& text, const ExpectedLines& expected) {
    write_durably(file_, text);
    return continue_metrics(file_, expected);
  }
  std::string kept(const Continuation& result) const { return read_file(file_).substr(0, result.size); }

  TestFolder folder_;
  std::string file_ = folder_.path("metrics.jsonl");
};

TEST_F(ContinuationTest, LinesOfLaterRoundsAndATornLastOneAreNoDamage) {
  for (const std::string& text :
       {lines(0, 9), lines(0, 20), lines(0, 9) + "{\"round\":1", lines(0, 12) + "{\"round\":1"}) {
    const Continuation result = continued(text, {9, 1});
    EXPECT_EQ(kept(result), lines(0, 9));
    EXPECT_TRUE(result.warnings.empty()) << result.warnings[0];
  }
  EXPECT_FALSE(fs::exists(file_ + ".damaged"));
}

TEST_F(ContinuationTest, OneBadLineCostsNoOther) {
  for (const std::string& bad : {std::string("round 5 of 9\n"), std::string("\n"), std::string(100, '\0') + "\n",
                                 std::string("{\"round\":-1}\n"), std::string("[5]\n"), line(2) + "\n"}) {
    const std::string text = lines(0, 4) + bad + lines(5, 9);
    const Continuation result = continued(text, {9, 1});
    EXPECT_EQ(kept(result), lines(0, 9));
    EXPECT_EQ(result.size, fs::file_size(file_));
    ASSERT_EQ(result.warnings.size(), 2u);
    EXPECT_NE(result.warnings[0].find("metrics.jsonl: line 6 cannot be read"), std::string::npos);
    EXPECT_NE(result.warnings[1].find("metrics.jsonl.damaged"), std::string::npos) << result.warnings[1];
    EXPECT_EQ(read_file(file_ + ".damaged"), text);
    fs::remove(file_ + ".damaged");
  }
}

TEST_F(ContinuationTest, EarlierDamageIsNotOverwritten) {
  const std::string text = lines(0, 4) + "bad\nbad\n" + lines(5, 9);
  continued(text, {9, 1});
  const Continuation second = continued(text, {9, 1});
  EXPECT_NE(second.warnings[0].find("line 6 and 1 more cannot be read"), std::string::npos) << second.warnings[0];
  EXPECT_EQ(read_file(file_ + ".damaged"), text);
  EXPECT_EQ(read_file(file_ + ".damaged-2"), text);
}

TEST_F(ContinuationTest, WhatIsMissingIsSaid) {
  const auto warning = [&](const std::string& text) {
    const Continuation result = continued(text, {9, 1});
    return result.warnings.size() == 1 ? result.warnings[0] : std::to_string(result.warnings.size()) + " warnings";
  };
  EXPECT_NE(warning(lines(0, 6)).find("after the line of round 6 to round 9"), std::string::npos);
  EXPECT_NE(warning("").find("from the beginning to round 9"), std::string::npos);
  EXPECT_NE(warning(lines(0, 3) + lines(7, 9)).find("before line 5, between the rounds 3 and 7"), std::string::npos);
  fs::remove(file_);
  EXPECT_EQ(continue_metrics(file_, {9, 1}).warnings.size(), 1u);
}

TEST_F(ContinuationTest, AFullDiskLeavesTheDamagedFile) {
  const std::string text = lines(0, 99) + "bad\n" + lines(100, 199);
  write_durably(file_, text);
  {
    const FullDisk full(500);
    EXPECT_THROW(continue_metrics(file_, {199, 1}), Failure);
  }
  EXPECT_EQ(read_file(file_), text);
}

}  // namespace
}  // namespace threepc
