// Mapping a file runs its code. Files that merely lie in the search path are mapped in a child process, which they may
// end; one that a run names is mapped here, and what it does to the floating-point environment is undone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cstdlib>
#include <filesystem>

#include "plugin/catalog.hpp"

namespace threepc {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path plugins = fs::path(THREEPC_TEST_BINARIES) / "plugins";

struct BadOnLoad {
  const char* folder;
  const char* reason;
};

std::ostream& operator<<(std::ostream& out, const BadOnLoad& bad) { return out << bad.folder; }

class OnLoad : public ::testing::TestWithParam<BadOnLoad> {};

TEST_P(OnLoad, HarmsNobodyElse) {
  const Catalog catalog({plugins / GetParam().folder, THREEPC_TEST_PLUGINS});
  ASSERT_EQ(catalog.rejected().size(), 1u);
  EXPECT_THAT(catalog.rejected().front().reason,
              HasSubstr(std::string(GetParam().folder) + ".so: " + GetParam().reason));
  EXPECT_STREQ(catalog.find(TPC_COMPRESSOR, "identity", "here").descriptor->id, "identity");
}

INSTANTIATE_TEST_SUITE_P(Mapping, OnLoad,
                         ::testing::Values(BadOnLoad{"crashes_on_load",
                                                     "crashed when it was loaded: signal 11 (Segmentation fault)"},
                                           BadOnLoad{"exits_on_load", "ended the process when it was loaded"},
                                           BadOnLoad{"hangs_on_load", "was not loaded within 10 s"}),
                         [](const auto& test) { return std::string(test.param.folder); });

TEST(Mapping, HappensWhenAPluginIsNamed) {
  unsetenv("THREEPC_TEST_MAPPED");
  const Catalog catalog({plugins / "tells_on_load", THREEPC_TEST_PLUGINS});
  EXPECT_TRUE(catalog.rejected().empty());
  catalog.find(TPC_COMPRESSOR, "identity", "here");
  EXPECT_EQ(std::getenv("THREEPC_TEST_MAPPED"), nullptr);
  catalog.find(TPC_COMPRESSOR, "on-load", "here");
  EXPECT_STREQ(std::getenv("THREEPC_TEST_MAPPED"), "yes");
}

TEST(Mapping, LeavesTheFloatingPointEnvironmentAndSaysWhoseItWas) {
  const Catalog catalog({plugins / "rounds_up_on_load"});
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  EXPECT_TRUE(catalog.warnings().empty());
  catalog.find(TPC_COMPRESSOR, "on-load", "here");
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  ASSERT_EQ(catalog.warnings().size(), 1u);
  EXPECT_THAT(catalog.warnings().front(), HasSubstr("rounds_up_on_load.so: loading it changed the rounding mode"));
}

TEST(Mapping, OffersNameKindIdAndParameters) {
  const Catalog catalog({THREEPC_TEST_PLUGINS});
  for (const Entry& entry : catalog.entries()) {
    const auto is_it = [&](const Offer& offer) {
      return offer.kind == entry.descriptor->kind && offer.id == entry.descriptor->id && offer.file == entry.file &&
             offer.keys.size() == entry.descriptor->param_count;
    };
    EXPECT_EQ(std::count_if(catalog.offers().begin(), catalog.offers().end(), is_it), 1) << entry.descriptor->id;
  }
  EXPECT_EQ(catalog.entries().size(), catalog.offers().size());
}

}  // namespace
}  // namespace threepc
