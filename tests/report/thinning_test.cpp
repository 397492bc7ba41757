#include "report/thinning.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace threepc::test {
namespace {

using report::rows_to_draw;
using report::RunRecord;
using Rows = std::vector<std::size_t>;

RunRecord long_run(std::size_t rows) {
  RunRecord run;
  run.series = {{"round", std::vector<double>(rows)}, {"grad_norm_sq", std::vector<double>(rows)}};
  for (std::size_t row = 0; row < rows; ++row) {
    run.series[0].values[row] = static_cast<double>(row);
    run.series[1].values[row] = std::exp(-1e-5 * static_cast<double>(row));
  }
  return run;
}

bool contains(const Rows& rows, std::size_t row) { return std::binary_search(rows.begin(), rows.end(), row); }

std::size_t widest_gap(const Rows& rows) {
  std::size_t gap = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) gap = std::max(gap, rows[i] - rows[i - 1]);
  return gap;
}

TEST(Thinning, AShortRunIsDrawnWhole) {
  EXPECT_EQ(rows_to_draw(long_run(5), 1000), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(rows_to_draw(long_run(1000), 1000).size(), 1000u);
  EXPECT_TRUE(rows_to_draw(RunRecord{}, 1000).empty());
}

TEST(Thinning, ALongRunKeepsItsEndsAndNoWideGap) {
  for (const std::size_t rows : {1001u, 12'345u, 1'000'000u}) {
    const Rows kept = rows_to_draw(long_run(rows), 1000);
    EXPECT_LE(kept.size(), 1000u);
    EXPECT_GE(kept.size(), 900u);
    EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
    EXPECT_TRUE(contains(kept, 0));
    EXPECT_TRUE(contains(kept, rows - 1));
    EXPECT_LE(widest_gap(kept), rows / 100);
  }
}

TEST(Thinning, KeepsTheBeginningForALogarithmicAxis) {
  const Rows kept = rows_to_draw(long_run(1'000'000), 1000);
  for (const double decade : {10.0, 100.0, 1e3, 1e4, 1e5}) {
    const auto upper = std::lower_bound(kept.begin(), kept.end(), static_cast<std::size_t>(10 * decade));
    const auto lower = std::lower_bound(kept.begin(), kept.end(), static_cast<std::size_t>(decade));
    EXPECT_GE(upper - lower, 15) << "rows between " << decade << " and " << 10 * decade;
  }
}

TEST(Thinning, KeepsASpikeUpAndASpikeDownOfEverySeries) {
  RunRecord run = long_run(1'000'000);
  run.series.push_back({"G", std::vector<double>(1'000'000, 1.0)});
  run.series[1].values[654'321] = 100;
  run.series[1].values[123'456] = 1e-30;
  run.series[2].values[777'777] = -5;
  const Rows kept = rows_to_draw(run, 1000);
  for (const std::size_t row : {654'321u, 123'456u, 777'777u}) EXPECT_TRUE(contains(kept, row)) << row;
}

TEST(Thinning, LeavesTheseRowsAloneWithANote) {
  RunRecord run = long_run(100'000);
  run.lines = 100'000;
  const Rows kept = rows_to_draw(run, 1000);
  report::thin(run, 1000);
  EXPECT_EQ(run.series[0].values, std::vector<double>(kept.begin(), kept.end()));
  EXPECT_EQ(run.series[1].values.size(), kept.size());
  ASSERT_EQ(run.notes.size(), 1u);
  EXPECT_TRUE(run.notes[0].starts_with("At most 1000 of 100000 lines are drawn")) << run.notes[0];

  RunRecord short_run = long_run(1000);
  report::thin(short_run, 1000);
  EXPECT_EQ(short_run.rows(), 1000u);
  EXPECT_TRUE(short_run.notes.empty());
}

TEST(Thinning, IsNotMisledByUnavailableValues) {
  RunRecord run = long_run(100'000);
  run.series.push_back({"f", std::vector<double>(100'000, std::numeric_limits<double>::quiet_NaN())});
  run.series[2].values[54'321] = 3;
  const Rows kept = rows_to_draw(run, 1000);
  EXPECT_TRUE(contains(kept, 54'321));
  EXPECT_LE(kept.size(), 1000u);
}

TEST(Thinning, ManySeriesShareTheRows) {
  RunRecord run = long_run(100'000);
  while (run.series.size() < 64)
    run.series.push_back({"key" + std::to_string(run.series.size()), run.series[1].values});
  const Rows kept = rows_to_draw(run, 1000);
  EXPECT_LE(kept.size(), 1000u);
  EXPECT_TRUE(contains(kept, 99'999));
}

}  // namespace
}  // namespace threepc::test
