#include "report/differences.hpp"

#include <gtest/gtest.h>

#include "program.hpp"

namespace threepc::test {
namespace {

using report::differing_keys;
using report::Settings;
using Keys = std::vector<std::string>;

Settings settings(const std::string& toml) {
  const Folder folder;
  return report::settings_of(read_document(folder.write("config.toml", toml), {}));
}

TEST(Differences, TablesBecomeKeyPathsAndValuesAreWrittenAsTomlWritesThem) {
  const Settings expected = {{"mechanism.compressor.k", "17"},
                             {"mechanism.init", "\"zero\""},
                             {"mechanism.zeta", "8.0"},
                             {"plugins.path", "[\"a\", \"b\"]"},
                             {"run.fast", "true"}};
  EXPECT_EQ(settings("run.fast = true\n[mechanism]\nzeta = 8.0\ninit = 'zero'\ncompressor = { k = 17 }\n"
                     "[plugins]\npath = ['a', 'b']\n"),
            expected);
}

TEST(Differences, AListOfTablesIsOneValue) {
  EXPECT_EQ(settings("part = [{ plugin = 'topk', k = 2 }, { plugin = 'randk' }]\n"),
            (Settings{{"part", "[{k = 2, plugin = \"topk\"}, {plugin = \"randk\"}]"}}));
}

TEST(Differences, EmptyListsAndTablesAreValuesToo) {
  EXPECT_EQ(settings("a = []\nb = [{}]\n"), (Settings{{"a", "[]"}, {"b", "[{}]"}}));
}

TEST(Differences, AreTheKeysInWhichNotAllAgree) {
  const Settings a = {{"workers.count", "10"}, {"mechanism.plugin", "\"ef21\""}, {"mechanism.compressor.k", "10"}};
  Settings b = a;
  EXPECT_EQ(differing_keys({a, b}), Keys{});
  b["mechanism.plugin"] = "\"clag\"";
  EXPECT_EQ(differing_keys({a, b}), Keys{"mechanism.plugin"});
  EXPECT_EQ(differing_keys({a, a, b}), Keys{"mechanism.plugin"});
}

TEST(Differences, AKeyThatOneRunLacksDiffers) {
  EXPECT_EQ(differing_keys({{{"a", "1"}}, {{"a", "1"}, {"mechanism.zeta", "8.0"}}}), Keys{"mechanism.zeta"});
  EXPECT_EQ(differing_keys({{{"a", "1"}, {"mechanism.zeta", "8.0"}}, {{"a", "1"}}}), Keys{"mechanism.zeta"});
}

TEST(Differences, NameAndFolderAreNone) {
  EXPECT_EQ(differing_keys({{{"run.name", "\"a\""}, {"run.out", "\"a\""}, {"run.seed", "1"}},
                            {{"run.name", "\"b\""}, {"run.out", "\"b\""}, {"run.seed", "2"}}}),
            Keys{"run.seed"});
}

TEST(Differences, ARunWithoutAConfigurationDiffersFromNobody) {
  EXPECT_EQ(differing_keys({{{"a", "1"}}, {}, {{"a", "1"}}}), Keys{});
  EXPECT_EQ(differing_keys({}), Keys{});
}

}  // namespace
}  // namespace threepc::test
