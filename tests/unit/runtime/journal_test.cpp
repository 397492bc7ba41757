// What a run counts and reports is saved, restored and undone as one.
#include "record/journal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "folder.hpp"

namespace threepc {
namespace {

RunConfig config_of(std::optional<std::uint64_t> every, std::uint64_t rounds = 1000) {
  RunConfig config;
  config.workers = 2;
  config.rounds = rounds;
  config.evaluate_every = every;
  return config;
}

/// A journal with a folder to write to.
struct Written {
  explicit Written(const RunConfig& c) : config(c) { directory.start(""); }

  /// A round that sends `bytes` up, and its line if it has one; returns whether it has.
  bool round(std::uint64_t number, std::uint64_t bytes, std::uint64_t evaluation, double grad_norm_sq = 1) {
    journal.begin_round(number, evaluation);
    journal.count_update(1, bytes);
    if (!journal.reported()) return false;
    journal.count_evaluation(evaluation);
    journal.line().round = number;
    journal.line().f = 1;
    journal.line().grad_norm_sq = grad_norm_sq;
    journal.record({x.bytes(), x.size_bytes()}, 0);
    return true;
  }
  Checkpoint saved() const {
    Checkpoint out;
    journal.save(out, 0, 0);
    return out;
  }

  TestFolder folder;
  RunConfig config;
  RunDirectory directory{folder.path("run")};
  Progress progress{config, Progress::Style::quiet};
  Journal journal{config, directory, progress};
  RawVector x{TPC_F64, 3};
};

TEST(Journal, ByItselfSpendsATenthOnEvaluations) {
  Written run(config_of(std::nullopt));
  std::uint64_t lines = 0;
  for (std::uint64_t round = 0; round < 400; ++round) lines += run.round(round, 100, 250);
  EXPECT_EQ(lines, 15u);  // the first of 250, then one for each 2,500 bytes before the round
  EXPECT_EQ(run.journal.line().evaluation_bits_per_worker, 8 * lines * 250 / 2.0);
  EXPECT_LE(10 * run.saved().evaluation_bytes, run.saved().uplink_bytes);
}

TEST(Journal, TheLastRoundHasALineThatARunWithMoreRoundsDoesNotHave) {
  Written run(config_of(10, 25));
  for (std::uint64_t round = 0; round <= 25; ++round) EXPECT_EQ(run.round(round, 8, 8), round % 10 == 0 || round == 25);
  EXPECT_STREQ(run.journal.reason_to_stop(), "rounds");
  const Checkpoint end = run.saved();
  EXPECT_EQ(end.last.round, 20u);
  EXPECT_EQ(end.final_last.round, 25u);
  EXPECT_NE(end.chain, end.final_chain);

  Written longer(config_of(10, 40)), whole(config_of(10, 40));
  longer.journal.load(end);
  for (std::uint64_t round = 26; round <= 40; ++round) longer.round(round, 8, 8);
  for (std::uint64_t round = 0; round <= 40; ++round) whole.round(round, 8, 8);
  EXPECT_EQ(longer.saved().chain, whole.saved().chain);
  EXPECT_EQ(longer.saved().evaluation_bytes, whole.saved().evaluation_bytes);
}

TEST(Journal, AnUndoneRoundHasNotBeen) {
  Written run(config_of(1));
  run.round(0, 8, 8);
  const Checkpoint before = run.saved();
  run.round(1, 8, 8, 2);
  run.journal.undo_round();
  const Checkpoint after = run.saved();
  EXPECT_EQ(after.last.round, 0u);
  EXPECT_EQ(after.uplink_bytes, before.uplink_bytes);
  EXPECT_EQ(after.evaluation_bytes, before.evaluation_bytes);
  EXPECT_EQ(after.chain, before.chain);
}

TEST(Journal, DivergenceIsMeasuredFromTheFirstGradientAlsoOfARunThatGoesOn) {
  RunConfig config = config_of(1);
  config.stop.divergence = 100;
  Written run(config), later(config);
  run.round(0, 8, 8, 4);
  EXPECT_FALSE(run.journal.divergence());
  later.journal.load(run.saved());
  later.round(1, 8, 8, 4e4);
  EXPECT_FALSE(later.journal.divergence());  // a hundredfold, and no more
  later.round(2, 8, 8, 5e4);
  EXPECT_TRUE(later.journal.divergence());
  later.round(3, 8, 8, NAN);
  EXPECT_EQ(later.journal.divergence(), "");
}

}  // namespace
}  // namespace threepc
