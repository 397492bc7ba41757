// Tables of results: the best cells, and CSV.
#include "sweep/results.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace threepc {
namespace {

Cell cell(const std::string& k, const std::string& multiplier) {
  return {k + "/" + multiplier, "case", {{"k", k}, {"multiplier", multiplier}}, "", 1e-4, ""};
}

std::optional<Result> result(const std::string& status, double bits) {
  Result out;
  out.status = status;
  out.values["uplink_bits_per_worker"] = std::to_string(bits);
  out.values["grad_norm"] = "0.5";
  return out;
}

struct Table {
  Cells cells{{"k", "multiplier"},
              {cell("1", "1"), cell("1", "2"), cell("1", "4"), cell("3", "1"), cell("3", "2"), cell("3", "4")}};
  std::vector<std::optional<Result>> results = {result("reached", 300), result("reached", 200), result("diverged", 1),
                                                result("ended", 10),    result("timeout", 5),   std::nullopt};
  std::vector<Best> best() const { return find_best(cells, results, "uplink_bits_per_worker", {"multiplier"}); }
};

TEST(FindBest, OnlyCellsThatReachedTheirToleranceCount) {
  const Table table;
  const auto best = table.best();
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].cell, &table.cells.cells[1]);
  EXPECT_EQ(best[0].counted, 2u);
  EXPECT_FALSE(best[0].at_edge);
  EXPECT_EQ(best[1].cell, nullptr);
  EXPECT_EQ(best[1].cells, 3u);
  EXPECT_EQ(best[1].closest, &table.cells.cells[3]);
}

TEST(FindBest, WithoutAToleranceEveryEndedCellCounts) {
  Table table;
  for (Cell& item : table.cells.cells) item.tolerance_sq.reset();
  EXPECT_EQ(table.best()[1].cell, &table.cells.cells[3]);
}

TEST(FindBest, AnEndOfTheAxisIsPointedOut) {
  Table table;
  table.results[0] = result("reached", 100);
  EXPECT_TRUE(table.best()[0].at_edge);
}

TEST(Csv, FieldsAreQuotedWhenTheyMustBe) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"so\""), "\"say \"\"so\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

TEST(Csv, CellsWithoutAResultHaveNoRow) {
  const Table table;
  const std::string text = sweep_csv(table.cells, table.results);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 5);
  EXPECT_EQ(text.substr(0, text.find('\n')).find("cell,case,k,multiplier,status,stopped_by,rounds,"), 0u);
  EXPECT_NE(text.find("1/4,case,1,4,diverged,"), std::string::npos);
  EXPECT_EQ(text.find("3/4,"), std::string::npos);
}

TEST(Csv, BestHasARowForEachGroup) {
  const Table table;
  const std::string text = best_csv(table.cells, table.best(), {"multiplier"});
  EXPECT_NE(text.find("\ncase,1,2,reached,3,2,false,1/2,"), std::string::npos) << text;
  EXPECT_NE(text.find("\ncase,3,,none,3,0,,,"), std::string::npos) << text;
}

TEST(Result, AnUnavailableNumberIsNaN) { EXPECT_TRUE(std::isnan(Result{}.number("f"))); }

}  // namespace
}  // namespace threepc
