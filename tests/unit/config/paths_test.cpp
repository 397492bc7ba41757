// Where a data file is looked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "failure.hpp"
#include "scratch_folder.hpp"

using testing::HasSubstr;

namespace {

class Paths : public ScratchFolder {
 protected:
  /// The file that [problem] data = `data` of configs/run.toml resolves to, below the scratch folder.
  std::string resolved(const std::string& data, const std::vector<std::string>& overrides = {}) const {
    write("configs/run.toml",
          "[problem]\nplugin = \"onfile\"\ndata = \"" + data + "\"\n[mechanism]\nplugin = \"plain\"\n");
    const auto config = threepc::load_config("configs/run.toml", overrides);
    return std::filesystem::path(std::get<std::string>(*config.problem.values.at(0))).lexically_relative(folder_);
  }
  void data_folder(const std::string& name) const { setenv("THREEPC_DATA", (folder_ / name).c_str(), 1); }
};

TEST_F(Paths, BesideTheConfigurationFirst) {
  write("configs/data/a9a", "");
  write("store/data/a9a", "");
  write("data/a9a", "");
  data_folder("store");
  EXPECT_EQ(resolved("data/a9a"), "configs/data/a9a");
}

TEST_F(Paths, ThenBelowTheDataFolder) {
  write("store/data/a9a", "");
  write("store/a9a", "");
  data_folder("store");
  EXPECT_EQ(resolved("data/a9a"), "store/data/a9a");
}

TEST_F(Paths, ThenByTheFileNameAlone) {
  write("store/a9a", "");
  data_folder("store");
  EXPECT_EQ(resolved("data/a9a"), "store/a9a");
}

TEST_F(Paths, AbsoluteAsItIs) {
  write("a9a", "");
  EXPECT_EQ(resolved((folder_ / "a9a").string()), "a9a");
}

TEST_F(Paths, OfTheCommandLineFromTheCurrentFolder) {
  write("data/a9a", "");
  write("configs/data/a9a", "");
  EXPECT_EQ(resolved("absent", {"problem.data=data/a9a"}), "data/a9a");
}

/// Nothing lies beside what comes from standard input.
TEST_F(Paths, OfAPipeFromTheCurrentFolder) {
  write("data/a9a", "");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  constexpr std::string_view text =
      "[problem]\nplugin = \"onfile\"\ndata = \"data/a9a\"\n[mechanism]\nplugin = \"plain\"\n";
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), std::ssize(text));
  close(ends[1]);
  const auto config = threepc::load_config("/dev/fd/" + std::to_string(ends[0]), {});
  close(ends[0]);
  EXPECT_EQ(std::get<std::string>(*config.problem.values.at(0)), (folder_ / "data/a9a").string());
}

TEST_F(Paths, RelativeDataFolder) {
  write("store/a9a", "");
  setenv("THREEPC_DATA", "store", 1);
  EXPECT_EQ(resolved("a9a"), "store/a9a");
}

TEST_F(Paths, AFolderIsNoFile) {
  write("configs/data/a9a", "");
  EXPECT_THROW(resolved("data"), threepc::Failure);
}

TEST_F(Paths, EveryPlaceTriedIsNamed) {
  data_folder("store");
  try {
    resolved("data/a9a");
    FAIL() << "found";
  } catch (const threepc::Failure& failure) {
    EXPECT_EQ(failure.code(), threepc::Exit::data);
    EXPECT_THAT(failure.what(), HasSubstr((folder_ / "configs/data/a9a").string()));
    EXPECT_THAT(failure.what(), HasSubstr((folder_ / "store/data/a9a").string()));
    EXPECT_THAT(failure.what(), HasSubstr((folder_ / "store/a9a").string()));
  }
}

}  // namespace
