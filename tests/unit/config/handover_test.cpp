// A configuration that another process takes over is the same, whatever the file says by then, and its messages name
// the lines that the user wrote.
#include "config/handover.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failure.hpp"
#include "scratch_folder.hpp"

using testing::HasSubstr;

namespace {

class Handover : public ScratchFolder {
 protected:
  static threepc::RunConfig taken(const std::string& text) {
    const int file = memfd_create("handover", MFD_CLOEXEC);
    EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    const auto close_it = std::unique_ptr<const int, void (*)(const int*)>(&file, [](const int* f) { close(*f); });
    return threepc::take_over(file, "run.toml");
  }
  static std::string refusal_of(const std::string& text) {
    try {
      taken(text);
      return "accepted";
    } catch (const threepc::Failure& failure) {
      return failure.what();
    }
  }
  threepc::RunConfig resolved() const {
    write("data/a9a", "");
    write("mine/README", "");
    return load(
        "[problem]\nplugin = \"onfile\"\n\ndata = \"data/a9a\"\n[mechanism]\nplugin = \"plain\"\n[plugins]\npath = "
        "[\"mine\"]\n[faults]\ninject = [{kind = \"drop\", worker = 0, round = 3}]\n",
        {"run.seed=7", "optimizer.stepsize=0.1"});
  }
};

TEST_F(Handover, IsTheSameConfiguration) {
  const threepc::RunConfig config = resolved();
  const std::string text = threepc::hand_over(config);
  write("run.toml", "no longer = [");
  std::filesystem::create_directory(folder_ / "elsewhere");
  std::filesystem::current_path(folder_ / "elsewhere");
  const threepc::RunConfig other = taken(text);
  EXPECT_EQ(threepc::to_toml(other), threepc::to_toml(config));
  EXPECT_EQ(threepc::agreement(other), threepc::agreement(config));
  EXPECT_EQ(other.file, "run.toml");
  EXPECT_EQ(other.problem.origin, config.problem.origin);
  EXPECT_EQ(other.problem.origin.at("data"), "run.toml:4:1: problem.data");
}

TEST_F(Handover, MessagesNameTheUsersLines) {
  const std::string text = threepc::hand_over(resolved());
  std::filesystem::remove(folder_ / "data/a9a");
  EXPECT_THAT(refusal_of(text), HasSubstr("run.toml:4:1: problem.data: there is no file '"));
}

TEST_F(Handover, WhatIsNoneIsRefused) {
  EXPECT_THAT(refusal_of("[run]\nseed = \"x\"\n"), HasSubstr("run.toml: run.seed: expected an integer"));
  EXPECT_THAT(refusal_of("x = ["), HasSubstr("run.toml:1:"));
  EXPECT_THAT(refusal_of(""), HasSubstr("there is no table [problem]"));
  EXPECT_THROW(threepc::take_over(1000, "run.toml"), threepc::Failure);
}

}  // namespace
