// threepc bench says something of everything that it measures. What, no test can know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json tables(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"bench", "--json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Result result = run_program(all);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return json::parse(result.out);
}

TEST(Bench, CompressorsHaveTimesAndBits) {
  const json table = tables({"compressors", "--dim", "2000", "--compressor", "topk, k=20", "--compressor", "sign"})
                         .items()
                         .begin()
                         .value();
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[1]["name"], "topk, k=20");
  EXPECT_DOUBLE_EQ(table[1]["bits/value"], (20 * 32 + 168) / 2000.0);  // log2 of 2000 over 20 is 157
  for (const json& row : {table[1], table[2]}) EXPECT_GT(row["encode us"], 0);
}

TEST(Bench, TransportsAndRoundsRun) {
  const json transports = tables({"transports", "--megabytes", "0.1"}).items().begin().value();
  ASSERT_EQ(transports.size(), 4u);
  for (const json& row : transports) EXPECT_GT(row["GB/s"], 0) << row;
  const Folder folder;
  const std::string config = folder.write("run.toml", small_config(3, "inproc", 200));
  const json rounds = tables({"round", "--config", config, "--set", "run.rounds=50"}).items().begin().value();
  ASSERT_EQ(rounds.size(), 3u);
  for (const json& row : rounds) EXPECT_GE(row["if free/s"], row["rounds/s"]) << row;
}

TEST(Bench, AWrongCompressorIsNamed) {
  const Result result = run_program({"bench", "compressors", "--compressor", "topk, kk=20"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("unknown key 'kk'"));
}

}  // namespace
}  // namespace threepc::test
