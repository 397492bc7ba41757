// From a sweep file to its cells.
#include "sweep/cells.hpp"

#include <gmock/gmock.h>

#include <set>

#include "failure.hpp"
#include "scratch_folder.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using threepc::Cell;

const std::string base = "[base.problem]\nplugin = \"toy\"\ndim = 4\n[base.mechanism]\nplugin = \"plain\"\n";

class SweepCells : public ScratchFolder {
 protected:
  threepc::Cells cells(const std::string& toml, const std::vector<std::string>& overrides = {},
                       bool quick = false) const {
    write("sweep.toml", toml);
    return expand(threepc::read_sweep("sweep.toml", quick), overrides, "out");
  }
  std::vector<std::string> names(const std::string& toml, bool quick = false) const {
    std::vector<std::string> out;
    for (const Cell& cell : cells(toml, {}, quick).cells) out.push_back(cell.name);
    return out;
  }
};

TEST_F(SweepCells, TheLastAxisIsTheFastest) {
  EXPECT_THAT(names(base + "[grid]\nproblem.dim = [2, 3]\n\"run.seed\" = \"1..2\"\n"),
              ElementsAre("dim=2,seed=1", "dim=2,seed=2", "dim=3,seed=1", "dim=3,seed=2"));
}

TEST_F(SweepCells, WithoutAGridThereIsOne) { EXPECT_THAT(names(base), ElementsAre("only")); }

TEST_F(SweepCells, ValuesArriveInTheConfiguration) {
  const auto all = cells(base + "[grid]\noptimizer.multiplier = [0.5, 4]\nproblem.shape = [\"round\"]\n").cells;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_THAT(all[0].config, HasSubstr("multiplier = 0.5\n"));
  EXPECT_THAT(all[1].config, HasSubstr("multiplier = 4.0\n"));
  EXPECT_THAT(all[1].config, HasSubstr("shape = \"round\"\n"));
}

TEST_F(SweepCells, TheConfigurationOfACellIsComplete) {
  const Cell cell = cells(base + "[grid]\nrun.seed = [7]\n").cells.front();
  write("cell.toml", cell.config);
  EXPECT_EQ(to_toml(threepc::load_config("cell.toml", {})), cell.config);
}

TEST_F(SweepCells, CasesHaveSettingsAndAxesOfTheirOwn) {
  const auto all = cells(base +
                         "[grid]\nrun.seed = [1, 2]\n"
                         "[[case]]\nname = \"plain\"\ngrid.run.seed = [9]\n"
                         "[[case]]\nname = \"lazy, half\"\n"
                         "mechanism = { plugin = \"lazy\", zeta = 2, compressor = { plugin = \"part\", k = 1 } }\n"
                         "optimizer.multiplier = 8\ngrid.mechanism.zeta = [3]\n");
  ASSERT_EQ(all.cells.size(), 3u);
  EXPECT_EQ(all.cells[0].name, "plain/seed=9");
  EXPECT_THAT(all.cells[1].name, testing::MatchesRegex("lazy_half~[0-9a-f]{6}/seed=1,zeta=3"));
  EXPECT_EQ(all.cells[1].case_name, "lazy, half");
  EXPECT_THAT(all.cells[1].config, HasSubstr("zeta = 3.0\n"));
  EXPECT_THAT(all.cells[1].config, HasSubstr("multiplier = 8.0\n"));
  EXPECT_THAT(all.cells[0].config, HasSubstr("multiplier = 1.0\n"));
  EXPECT_THAT(all.axes, ElementsAre("run.seed", "mechanism.zeta"));
}

TEST_F(SweepCells, NamesThatLookAlikeAreToldApart) {
  const auto all = names(base +
                         "[[case]]\nname = \"é\"\n[[case]]\nname = \"ü\"\n[[case]]\nname = \"a b\"\n"
                         "[[case]]\nname = \"a_b\"\n[[case]]\nname = \"a/b\"\n[[case]]\nname = \"..\"\n");
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 6u);
  EXPECT_EQ(all[0], "é");
  EXPECT_EQ(all[3], "a_b");
  for (const std::string& name : all) EXPECT_EQ(name.find_first_of(" /"), name.npos) << name;
  EXPECT_NE(all[5], "..");
}

TEST_F(SweepCells, LongValuesAreCutToWhatAFolderMayBeCalled) {
  std::string axes = "[grid]\n";
  for (const char* key : {"run.name", "run.out"})
    axes += key + std::string(" = [\"") + std::string(400, 'x') + "\", \"" + std::string(400, 'x') + "y\"]\n";
  const auto all = names(base + axes);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 4u);
  for (const std::string& name : all) EXPECT_LE(name.size(), 255u);
}

TEST_F(SweepCells, ATableWithAPluginReplacesAndOthersMerge) {
  const std::string lazy =
      "[base.problem]\nplugin = \"toy\"\ndim = 4\nscale = 0.5\n"
      "[base.mechanism]\nplugin = \"lazy\"\nzeta = 2\ncompressor = { plugin = \"part\", k = 1 }\n";
  const Cell merged = cells(lazy + "[set.mechanism]\nzeta = 5\n").cells.front();
  EXPECT_THAT(merged.config, HasSubstr("k = 1\n"));
  EXPECT_THAT(merged.config, HasSubstr("zeta = 5.0\n"));
  const Cell replaced = cells(lazy + "[set.mechanism]\nplugin = \"plain\"\n").cells.front();
  EXPECT_THAT(replaced.config, testing::Not(HasSubstr("zeta")));
}

TEST_F(SweepCells, TheTransportIsInprocUnlessTheSweepSaysOtherwise) {
  write("base.toml", std::string(smallest) + "[transport]\nplugin = \"net\"\nport = 5000\n");
  EXPECT_THAT(cells("base = \"base.toml\"\n").cells.front().config, HasSubstr("plugin = \"inproc\""));
  EXPECT_THAT(cells("base = \"base.toml\"\nset.transport.plugin = \"net\"\n").cells.front().config,
              HasSubstr("plugin = \"net\""));
  EXPECT_THAT(cells(base + "[base.transport]\nplugin = \"net\"\n").cells.front().config, HasSubstr("plugin = \"net\""));
}

TEST_F(SweepCells, QuickReplacesAxesAndKeepsCases) {
  const std::string text = base +
                           "[grid]\nrun.seed = \"1..9\"\n[[case]]\nname = \"a\"\n[[case]]\nname = \"b\"\n"
                           "grid.run.seed = \"1..5\"\n"
                           "[quick]\ncases = [\"b\"]\nset.problem.dim = 2\ngrid.run.seed = [4]\n";
  EXPECT_EQ(names(text).size(), 14u);
  EXPECT_THAT(names(text, true), ElementsAre("b/seed=4"));
  EXPECT_THAT(cells(text, {}, true).cells.front().config, HasSubstr("dim = 2\n"));
}

TEST_F(SweepCells, QuickForgetsWhatWasPublishedForAnotherProblem) {
  const std::string text = base + "[[published]]\nsource = \"a friend\"\n[quick]\nset.problem.dim = 2\n";
  write("other.toml", text);
  write("same.toml", text + "comparable = true\n");
  EXPECT_EQ(threepc::read_sweep("other.toml").published.size(), 1u);
  EXPECT_EQ(threepc::read_sweep("other.toml", true).published.size(), 0u);
  EXPECT_EQ(threepc::read_sweep("same.toml", true).published.size(), 1u);
}

TEST_F(SweepCells, OverridesApplyToEveryCell) {
  for (const Cell& cell : cells(base + "[grid]\nrun.seed = [1, 2]\n", {"problem.dim=3"}).cells)
    EXPECT_THAT(cell.config, HasSubstr("dim = 3\n"));
}

TEST_F(SweepCells, AnOverrideOfAnAxisIsRefused) {
  const std::string text = base + "[grid]\n\"run.seed\" = [1, 2]\n";
  EXPECT_THROW(cells(text, {"run.seed=3"}), threepc::Failure);
  EXPECT_THROW(cells(text, {"run={seed=3}"}), threepc::Failure);
}

TEST_F(SweepCells, TolerancesAreSquared) {
  EXPECT_EQ(cells(base).cells.front().tolerance_sq, std::nullopt);
  EXPECT_DOUBLE_EQ(cells(base + "[set.run.stop]\ngrad_norm = 1e-2\n").cells.front().tolerance_sq.value(), 1e-4);
}

}  // namespace
