// Files that must be refused when they are loaded, by name and with the reason, while the plugins beside them
// stay usable. The functions of these plugins end the process, so that a host that calls one is caught.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "failure.hpp"
#include "plugin/catalog.hpp"

namespace threepc {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const fs::path plugins = fs::path(THREEPC_TEST_BINARIES) / "plugins";

/// What the host says about a case; reviewed here as a user would read it, after "FILE: ".
struct Refusal {
  const char* folder;
  const char* reason;
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.folder; }

constexpr Refusal refusals[] = {
    {"wrong_magic", "tpc_entry_v1 has the wrong magic number: it was not written by this SDK"},
    {"wrong_major", "was built for version 2 of the plugin boundary; this program has version 1; rebuild the plugin"},
    {"truncated_entry",
     "tpc_entry_v1 is truncated: struct_size is 16, at least 24 expected; rebuild the plugin against this version's "
     "headers"},
    {"no_plugins", "offers no plugin"},
    {"null_descriptor", "a descriptor is null"},
    {"truncated_descriptor",
     "a descriptor is truncated: struct_size is 40, at least 88 expected; rebuild the plugin against this version's "
     "headers"},
    {"truncated_table",
     "compressor 'spoilt': its function table is truncated: struct_size is 32, at least 56 expected; rebuild the "
     "plugin against this version's headers"},
    {"null_function", "compressor 'spoilt': the required function 'encode' is null"},
    {"null_id", "a compressor's id must be 1 to 59 lower-case letters, digits, '+', '-' and '_'"},
    {"bad_id", "a compressor's id must be 1 to 59 lower-case letters, digits, '+', '-' and '_'"},
    {"unknown_kind", "a descriptor has the unknown kind 9"},
    {"no_dtypes", "compressor 'spoilt': supports neither f32 nor f64"},
    {"bad_param", "compressor 'spoilt': parameter 'zeta': the default is outside the parameter's own range"},
    {"bad_slot", "compressor 'spoilt': slot 'inner': a compressor takes compressors"},
    {"duplicate_within", "offers the compressor 'spoilt' twice"},
    {"no_entry", "is no threepc plugin: it exports no tpc_entry_v1 (end the source with THREEPC_PLUGINS(...))"},
};

std::string only_reason(const Catalog& catalog) {
  EXPECT_EQ(catalog.rejected().size(), 1u);
  return catalog.rejected().empty() ? "" : catalog.rejected().front().reason;
}

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, SaysWhichFileAndWhy) {
  const fs::path folder = plugins / GetParam().folder;
  const std::string file = fs::canonical(folder / (std::string(GetParam().folder) + ".so"));
  const Catalog catalog({folder});
  EXPECT_EQ(only_reason(catalog), file + ": " + GetParam().reason);
  EXPECT_EQ(catalog.rejected().front().file, file);
}

TEST_P(Refused, HarmsNoPluginBesideIt) {
  const Catalog catalog({plugins / GetParam().folder, THREEPC_TEST_PLUGINS});
  EXPECT_STREQ(catalog.find(TPC_COMPRESSOR, "identity", "here").descriptor->id, "identity");
}

TEST_P(Refused, IsMentionedWhenItsPluginIsAskedFor) {
  const Catalog catalog({plugins / GetParam().folder});
  try {
    catalog.find(TPC_COMPRESSOR, "spoilt", "run.toml:3:1");
    FAIL() << "a refused plugin was found";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::usage);
    EXPECT_THAT(failure.what(), StartsWith("run.toml:3:1: "));
    EXPECT_THAT(failure.what(), HasSubstr(GetParam().reason));
  }
}

INSTANTIATE_TEST_SUITE_P(Loading, Refused, ::testing::ValuesIn(refusals),
                         [](const auto& test) { return std::string(test.param.folder); });

TEST(RefusedByTheLoader, UnresolvedSymbolIsNamed) {
  const std::string reason = only_reason(Catalog({plugins / "unresolved_symbol"}));
  EXPECT_THAT(reason, HasSubstr("unresolved_symbol.so: cannot be loaded: "));
  EXPECT_THAT(reason, HasSubstr("function_that_no_library_defines"));
  EXPECT_THAT(reason, ::testing::Not(HasSubstr("Bad file descriptor")));
}

/// There is such a plugin, it only cannot be used: nothing is misspelt.
TEST(RefusedByTheLoader, AFileThatIsCalledAfterThePluginIsTheReason) {
  const Catalog catalog({plugins / "unresolved_symbol"});
  try {
    catalog.find(TPC_COMPRESSOR, "unresolved_symbol", "run.toml:3:1");
    FAIL() << "a refused plugin was found";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::plugin);
    EXPECT_THAT(failure.what(), StartsWith("run.toml:3:1: the compressor 'unresolved_symbol' cannot be used: "));
    EXPECT_THAT(failure.what(), HasSubstr("function_that_no_library_defines"));
  }
}

TEST(EmptyPath, SaysWhereTheProgramLooks) {
  const Catalog catalog({});
  try {
    catalog.find(TPC_COMPRESSOR, "topk", "run.toml:3:1");
    FAIL() << "found in no folder";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("No plugins were found"));
    EXPECT_THAT(failure.what(), HasSubstr("lib/threepc/plugins"));
  }
}

/// A folder with one file of the given name and content.
fs::path folder_with(const std::string& name, const std::string& content) {
  const fs::path folder = fs::path(THREEPC_TEST_BINARIES) / "files" / name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(folder / (name + ".so"), std::ios::binary) << content;
  return folder;
}

TEST(RefusedByTheLoader, TextFile) {
  EXPECT_THAT(only_reason(Catalog({folder_with("text", "INPUT(libc.so)\n")})),
              HasSubstr("text.so: cannot be loaded: "));
}

TEST(RefusedByTheLoader, EmptyFile) {
  EXPECT_THAT(only_reason(Catalog({folder_with("empty", "")})), HasSubstr("empty.so: cannot be loaded: "));
}

TEST(RefusedByTheLoader, HalfALibrary) {
  std::ifstream whole(plugins / "wrong_magic" / "wrong_magic.so", std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(whole), {});
  content.resize(content.size() / 3);
  EXPECT_THAT(only_reason(Catalog({folder_with("half", content)})), HasSubstr("half.so: cannot be loaded: "));
}

TEST(RefusedByTheLoader, DanglingLink) {
  const fs::path folder = folder_with("dangling", "");
  fs::remove(folder / "dangling.so");
  fs::create_symlink(folder / "nothing-here", folder / "dangling.so");
  EXPECT_THAT(only_reason(Catalog({folder})), HasSubstr("dangling.so: cannot be loaded: "));
}

TEST(RefusedByTheLoader, FolderWithTheNameOfALibrary) {
  const fs::path folder = folder_with("folder", "");
  fs::remove(folder / "folder.so");
  fs::create_directory(folder / "folder.so");
  EXPECT_THAT(only_reason(Catalog({folder})), HasSubstr("folder.so: cannot be loaded: "));
}

TEST(TwoFilesWithOneId, AreBothNamedWhenTheIdIsAskedFor) {
  const Catalog catalog({plugins / "offered_twice", plugins / "offered_again"});
  EXPECT_TRUE(catalog.rejected().empty());
  try {
    catalog.find(TPC_COMPRESSOR, "offered-twice", "run.toml:3:1");
    FAIL() << "one of two was chosen silently";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::plugin);
    EXPECT_THAT(failure.what(), StartsWith("run.toml:3:1: two files offer the compressor 'offered-twice': "));
    EXPECT_THAT(failure.what(), HasSubstr("/offered_twice.so"));
    EXPECT_THAT(failure.what(), HasSubstr("/offered_again.so"));
  }
}

TEST(TwoFilesWithOneId, DoNotDisturbOtherIds) {
  const Catalog catalog({plugins / "offered_twice", plugins / "offered_again", THREEPC_TEST_PLUGINS});
  EXPECT_STREQ(catalog.find(TPC_COMPRESSOR, "identity", "here").descriptor->id, "identity");
}

TEST(TwoFilesWithOneId, OneFolderNamedTwiceIsNoConflict) {
  const Catalog catalog({plugins / "offered_twice", plugins / "offered_twice"});
  EXPECT_STREQ(catalog.find(TPC_COMPRESSOR, "offered-twice", "here").descriptor->id, "offered-twice");
}

}  // namespace
}  // namespace threepc
