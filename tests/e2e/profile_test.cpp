// --profile: where the time goes, of every member, without changing a bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Profiles : public testing::TestWithParam<const char*> {
 protected:
  Result run(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {
        "run", config_, "--out", folder_.path(name), "--set", std::string("transport.plugin=") + GetParam()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(3, "inproc", 40));
};

TEST_P(Profiles, SaysWhatEveryMemberDid) {
  const Result plain = run("plain", {});
  const Result result = run("profiled", {"--profile", "--trace", folder_.path("trace.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("time of the server "));
  EXPECT_THAT(result.out, HasSubstr("time of the workers "));
  EXPECT_THAT(plain.out, testing::Not(HasSubstr("time of the server")));
  EXPECT_EQ(read_summary(folder_.path("profiled"))["x_hash"], read_summary(folder_.path("plain"))["x_hash"]);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("plain") + "/profile.json"));

  const json profile = json::parse(read_file(folder_.path("profiled") + "/profile.json"));
  EXPECT_EQ(profile["server"]["absorb"]["calls"], 2 * 41);  // the messages, and g
  EXPECT_EQ(profile["server"]["wait"]["calls"], 41);
  ASSERT_EQ(profile["workers"].size(), 3u);
  double all = 0;
  for (const auto& [phase, total] : profile["server"].items()) all += total["seconds"].get<double>();
  EXPECT_LE(all, profile["seconds"].get<double>());
  for (const json& worker : profile["workers"])
    for (const char* phase : {"gradient", "encode", "send"}) EXPECT_EQ(worker[phase]["calls"], 41) << phase;

  const json trace = json::parse(read_file(folder_.path("trace.json")));
  std::set<int> members;
  for (const json& event : trace["traceEvents"]) members.insert(event["tid"].get<int>());
  EXPECT_EQ(members, (std::set<int>{0, 1, 2, 3}));
}

INSTANTIATE_TEST_SUITE_P(Everywhere, Profiles, testing::Values("inproc", "tcp", "shm"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace threepc::test
