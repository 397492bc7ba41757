// Range notation and labels.
#include "sweep/axis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.hpp"

namespace threepc {
namespace {

using testing::ElementsAre;

std::vector<std::string> labels(const Node& node) {
  std::vector<std::string> out;
  for (const Node& value : axis_values(node, "key")) out.push_back(label(value));
  return out;
}

std::vector<std::string> range(const std::string& text) { return labels({text, "sweep.toml:3:5"}); }

std::string refusal(const std::string& text) {
  try {
    range(text);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "accepted";
}

TEST(Range, PowersAreExact) {
  EXPECT_THAT(range("2^0..2^4"), ElementsAre("1", "2", "4", "8", "16"));
  EXPECT_THAT(range("2^-2..2^1"), ElementsAre("0.25", "0.5", "1", "2"));
  EXPECT_THAT(range(" 10^3 .. 10^4 "), ElementsAre("1000", "10000"));
  EXPECT_THAT(range("1.5^1..1.5^2"), ElementsAre("1.5", "2.25"));
  EXPECT_EQ(range("2^0..2^11").size(), 12u);
}

TEST(Range, WholePowersAreIntegersAndOthersAreReal) {
  const auto values = axis_values({std::string("2^-1..2^1"), ""}, "key");
  EXPECT_TRUE(std::holds_alternative<double>(values[0].value));
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(values[1].value));
}

TEST(Range, Steps) {
  EXPECT_THAT(range("1..4"), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(range("-2..3 step 2"), ElementsAre("-2", "0", "2"));
  EXPECT_THAT(range("0..1 step 0.25"), ElementsAre("0", "0.25", "0.5", "0.75", "1"));
  EXPECT_THAT(range("0..0.5 step 0.1"), ElementsAre("0", "0.1", "0.2", "0.3", "0.4", "0.5"));
  EXPECT_THAT(range("7..7"), ElementsAre("7"));
}

TEST(Range, LargeIntegersKeepAllDigits) {
  EXPECT_THAT(range("123456789012345..123456789012346"), ElementsAre("123456789012345", "123456789012346"));
}

TEST(Range, EveryValueKeepsItsPlace) {
  for (const Node& value : axis_values({std::string("1..3"), "sweep.toml:3:5"}, "key"))
    EXPECT_EQ(value.origin, "sweep.toml:3:5");
}

TEST(Range, RefusalsSayWhere) {
  for (const char* text : {"", "many", "1..", "2^1..3^2", "3..1", "2^5..2^1", "1..2 step 0", "0..1e9", "2^0..2^9999",
                           "1..2 step -1", "1..2..3", "2^1", "1 2", "0x1..3"})
    EXPECT_TRUE(refusal(text).starts_with("sweep.toml:3:5: key: ")) << text << ": " << refusal(text);
  EXPECT_TRUE(refusal(std::string(100000, '1')).starts_with("sweep.toml:3:5: key: "));
}

TEST(Label, TablesNameTheirPluginFirst) {
  const Node table{Node::Table{{"k", {std::int64_t{3}, ""}}, {"plugin", {std::string("topk"), ""}}}, ""};
  EXPECT_EQ(label(table), "{plugin = \"topk\", k = 3}");
  EXPECT_EQ(label({std::string("topk"), ""}), "topk");
  EXPECT_EQ(label({4.0, ""}), "4");
  EXPECT_EQ(label({1e-4, ""}), "1e-04");
  EXPECT_EQ(label({true, ""}), "true");
}

}  // namespace
}  // namespace threepc
