// The host's keys: one row is what is read, written, agreed on and documented.
#include "config/keys.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace threepc {
namespace {

TEST(HostKeys, TheDocumentationHasTheTable) {
  std::ifstream in(THREEPC_TEST_SOURCES "/../../../docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(page.find(host_keys_markdown()), std::string::npos)
      << "docs/configuration.md differs from `threepc config keys --markdown`; copy that into it";
}

TEST(HostKeys, EachIsThereOnceWithAMeaning) {
  std::set<std::string> seen;
  for (const HostKey& key : host_keys()) {
    const std::string place = std::string(key.table) + "." + key.name;
    EXPECT_TRUE(seen.insert(place).second) << place;
    EXPECT_GT(std::string(key.meaning).size(), 10u) << place;
    EXPECT_EQ(key.read == nullptr, key.value == nullptr) << place;
    EXPECT_LE(key.bounds.minimum, key.bounds.maximum) << place;
  }
}

/// What a key is read as, it is written as: each default, written into a file, gives the same again.
TEST(HostKeys, DefaultsAreReadAsTheyAreWritten) {
  const RunConfig defaults;
  for (const HostKey& key : host_keys()) {
    const auto value = key.value == nullptr ? std::nullopt : key.value(defaults);
    if (!value) continue;
    Node table{Node::Table{}, "here", true};
    const auto set = [&](const auto& v) {
      if constexpr (std::is_constructible_v<decltype(Node::value), decltype(v)>)
        std::get<Node::Table>(table.value)[key.name] = Node{v, "here", true};
    };
    std::visit(set, *value);
    Section section(&table, key.table);
    RunConfig read;
    key.read(section, key, read);
    EXPECT_EQ(key.value(read), value) << key.table << "." << key.name;
  }
}

}  // namespace
}  // namespace threepc
