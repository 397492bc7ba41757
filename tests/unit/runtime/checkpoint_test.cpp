// Checkpoints: what is written is what is read, and nothing else is taken for one.
#include "record/checkpoint.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "failure.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    std::string name = (fs::temp_directory_path() / "threepc-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~CheckpointTest() override { fs::remove_all(folder_); }

  void write(std::uint64_t round) {
    CheckpointWriter writer(folder_);
    writer.write(example(round));
    EXPECT_EQ(writer.wait(), "");
  }

  static Checkpoint example(std::uint64_t round) {
    Checkpoint c;
    c.round = round;
    c.configuration = {"run.seed = 1", "mechanism.plugin = \"ef21\""};
    c.summary.stepsize = 0.1 + 0.2;
    c.summary.L_plus = NAN;
    c.summary.dim = 3;
    c.summary.workers = 2;
    c.last.round = round;
    c.last.f = -1.0 / 3;
    c.last.uplink_bits_per_worker = 12345.5;
    c.values = std::uint64_t{1} << 60;
    c.chain = 0xfedcba9876543210;
    c.data = {0, 0xfedcba9876543210};
    c.server = {1, 2, 3, 4, 5};
    c.workers = {{6, 7}, {}};
    c.data = {8, 0};
    return c;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& item : fs::directory_iterator(folder_ + "/checkpoint")) names.push_back(item.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string file(const std::string& name) const { return folder_ + "/checkpoint/" + name; }

  static std::vector<std::uint8_t> bytes_of(const std::string& name) {
    std::ifstream in(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string folder_;
  std::vector<std::string> warnings_;
  std::function<void(const std::string&)> warn_ = [this](const std::string& text) { warnings_.push_back(text); };
};

TEST_F(CheckpointTest, WhatIsWrittenIsRead) {
  write(17);
  const Checkpoint c = read_checkpoint(folder_, warn_);
  EXPECT_EQ(c.round, 17u);
  EXPECT_EQ(c.configuration, example(17).configuration);
  EXPECT_EQ(c.summary.stepsize, 0.1 + 0.2);
  EXPECT_TRUE(std::isnan(c.summary.L_plus));
  EXPECT_EQ(c.last.f, -1.0 / 3);
  EXPECT_TRUE(std::isnan(c.last.grad_norm_sq));
  EXPECT_EQ(c.last.uplink_bits_per_worker, 12345.5);
  EXPECT_EQ(c.values, std::uint64_t{1} << 60);
  EXPECT_EQ(c.chain, 0xfedcba9876543210);
  EXPECT_EQ(c.data, example(17).data);
  EXPECT_EQ(c.server, example(17).server);
  EXPECT_EQ(c.workers, example(17).workers);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(CheckpointTest, TheLastTwoAreKeptAndWhatACrashLeftIsRemoved) {
  for (const std::uint64_t round : {5, 60, 700, 8000}) {
    write(round);
    std::ofstream(file("round-000000000001.ckpt.partial")) << "torn";
  }
  write(90000);
  EXPECT_EQ(files(), (std::vector<std::string>{"round-000000008000.ckpt", "round-000000090000.ckpt"}));
}

TEST_F(CheckpointTest, ATornOneIsPassedOverWithAWarningAndTheOneBeforeIsUsed) {
  write(1);
  write(2);
  const std::string newest = file("round-000000000002.ckpt");
  fs::resize_file(newest, fs::file_size(newest) / 2);
  EXPECT_EQ(read_checkpoint(folder_, warn_).round, 1u);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("round-000000000002.ckpt is torn or damaged"), std::string::npos) << warnings_[0];
}

TEST_F(CheckpointTest, EveryCutAndEveryFlippedBitIsFound) {
  write(1);
  const std::vector<std::uint8_t> good = bytes_of(file("round-000000000001.ckpt"));
  EXPECT_EQ(parse_checkpoint(good).round, 1u);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(parse_checkpoint(std::span(good).first(size)), Failure) << size;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::vector<std::uint8_t> bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_THROW(parse_checkpoint(bad), Failure) << bit;
  }
}

TEST_F(CheckpointTest, AForeignFileIsNamedAndWithoutAnyTheMessageSaysWhatToDo) {
  fs::create_directories(folder_ + "/checkpoint");
  std::ofstream(file("round-000000000001.ckpt")) << "PK\x03\x04 something else entirely";
  try {
    read_checkpoint(folder_, warn_);
    FAIL();
  } catch (const Failure& failure) {
    const std::string text = failure.what();
    EXPECT_EQ(failure.code(), Exit::data);
    EXPECT_NE(text.find("is no checkpoint of threepc"), std::string::npos) << text;
    EXPECT_NE(text.find("[checkpoint] every_rounds"), std::string::npos) << text;
  }
}

TEST_F(CheckpointTest, WhatOnlyHasTheNameIsPassedOver) {
  write(1);
  ASSERT_EQ(mkfifo(file("round-000000000009.ckpt").c_str(), 0600), 0);
  fs::create_directory(file("round-000000000008.ckpt"));
  fs::create_symlink("nowhere", file("round-000000000007.ckpt"));
  fs::create_symlink("/dev/zero", file("round-000000000006.ckpt"));
  EXPECT_EQ(read_checkpoint(folder_, warn_).round, 1u);
  ASSERT_EQ(warnings_.size(), 4u);
  EXPECT_NE(warnings_[0].find("9.ckpt is no regular file; it is passed over"), std::string::npos) << warnings_[0];
  EXPECT_NE(warnings_[1].find("8.ckpt is a folder"), std::string::npos) << warnings_[1];
  EXPECT_NE(warnings_[2].find("7.ckpt cannot be read: No such file"), std::string::npos) << warnings_[2];
  EXPECT_NE(warnings_[3].find("6.ckpt is no regular file"), std::string::npos) << warnings_[3];
}

/// Its size must follow from its header before memory is taken for it.
TEST_F(CheckpointTest, AHugeFileIsPassedOver) {
  write(1);
  write(2);
  const std::string grown = file("round-000000000002.ckpt"), empty = file("round-000000000003.ckpt");
  fs::resize_file(grown, std::uint64_t{1} << 40);
  std::ofstream(empty).close();
  fs::resize_file(empty, std::uint64_t{1} << 40);
  std::vector<std::uint8_t> header = bytes_of(file("round-000000000001.ckpt"));
  header.resize(12);
  header.insert(header.end(), {0, 0, 0, 0, 255, 0, 0, 0});  // a header of a terabyte
  const std::string endless = file("round-000000000004.ckpt");
  std::ofstream(endless, std::ios::binary).write(reinterpret_cast<const char*>(header.data()), std::ssize(header));
  fs::resize_file(endless, std::uint64_t{2} << 40);
  EXPECT_EQ(read_checkpoint(folder_, warn_).round, 1u);
  ASSERT_EQ(warnings_.size(), 3u);
  EXPECT_NE(warnings_[0].find("4.ckpt is torn or damaged: its header does not end"), std::string::npos);
  EXPECT_NE(warnings_[1].find("3.ckpt is no checkpoint of threepc"), std::string::npos) << warnings_[1];
  EXPECT_NE(warnings_[2].find("2.ckpt is torn or damaged: it has 1099511627776 bytes, by its header "),
            std::string::npos)
      << warnings_[2];
}

/// Of a run that goes on from before them.
TEST_F(CheckpointTest, DamagedOnesOfLaterRoundsDoNotDisplaceTheNewOnes) {
  write(1);
  for (const char* name : {"round-000000000900.ckpt", "round-000000000901.ckpt", "by-hand.ckpt"})
    std::ofstream(file(name)) << "damaged";
  for (const std::uint64_t round : {2, 3, 4}) write(round);
  EXPECT_EQ(read_checkpoint(folder_, warn_).round, 4u);
  EXPECT_EQ(files(), (std::vector<std::string>{"by-hand.ckpt", "round-000000000003.ckpt", "round-000000000004.ckpt",
                                               "round-000000000900.ckpt", "round-000000000901.ckpt"}));
}

TEST_F(CheckpointTest, AFullDiskLeavesTheOneBefore) {
  write(1);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small = {100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  Checkpoint large = example(2);
  large.server.resize(1'000'000);
  CheckpointWriter writer(folder_);
  writer.write(std::move(large));
  const std::string fault = writer.wait();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(fault.find("round-000000000002.ckpt: cannot be written: File too large; the run goes on"),
            std::string::npos)
      << fault;
  EXPECT_EQ(writer.wait(), "");
  EXPECT_EQ(files(), (std::vector<std::string>{"round-000000000001.ckpt"}));
  EXPECT_EQ(read_checkpoint(folder_, warn_).round, 1u);
}

}  // namespace
}  // namespace threepc
