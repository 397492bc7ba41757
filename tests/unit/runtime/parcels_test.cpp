// What the server passes on between workers before a gradient is known, and remembers for those who come back.
#include "members/star/parcels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.hpp"

namespace threepc {
namespace {

using testing::HasSubstr;

class RelayTest : public testing::Test {
 protected:
  using Said = std::vector<std::pair<std::uint32_t, Bytes>>;

  static Bytes message(std::uint64_t round, std::uint32_t stage, const Said& said) {
    Bytes out;
    append(out, stage);
    for (const auto& [peer, bytes] : said) append_parcel(out, peer, bytes);
    seal(out, round);
    return out;
  }
  void play(std::uint64_t round, const std::vector<std::vector<Said>>& stages) {
    relay_.begin_round(round);
    for (std::uint32_t stage = 0; stage < stages.size(); ++stage) {
      for (std::uint32_t worker = 0; worker < 3; ++worker)
        relay_.take(worker, round, message(round, stage, stages[stage][worker]));
      relay_.close_stage();
    }
  }
  std::string refusal(std::uint32_t worker, const Bytes& bytes) {
    try {
      relay_.take(worker, 5, bytes);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Exit::peer);
      return failure.what();
    }
    return "";
  }

  Relay relay_{2, 3};
};

TEST_F(RelayTest, PassesOnInTheOrderOfTheWorkers) {
  play(5, {{{{1, {10}}, {2, {11, 12}}}, {{2, {13}}}, {}}, {{}, {}, {{0, {}}}}});
  EXPECT_EQ(relay_.mail(2, 0), message(5, 0, {{0, {11, 12}}, {1, {13}}}));
  EXPECT_EQ(relay_.mail(1, 0), message(5, 0, {{0, {10}}}));
  EXPECT_EQ(relay_.mail(0, 1), message(5, 1, {{2, {}}}));
  EXPECT_EQ(relay_.bytes(), 4u);
}

TEST_F(RelayTest, WhatIsSaidAgainCountsOnce) {
  relay_.begin_round(5);
  for (int times = 0; times < 2; ++times) EXPECT_EQ(relay_.take(0, 5, message(5, 0, {{1, {7}}})), 0u);
  relay_.take(1, 5, message(5, 0, {}));
  relay_.take(2, 5, message(5, 0, {}));
  relay_.close_stage();
  EXPECT_EQ(relay_.take(1, 5, message(5, 0, {{0, {9}}})), 0u);  // it has come back, and begins again
  EXPECT_EQ(relay_.mail(1, 0), message(5, 0, {{0, {7}}}));
  EXPECT_EQ(relay_.mail(0, 0), message(5, 0, {}));
  EXPECT_EQ(relay_.bytes(), 1u);
}

TEST_F(RelayTest, RefusesWhatIsNoMessageOfTheOpenStage) {
  relay_.begin_round(5);
  EXPECT_THAT(refusal(0, message(4, 0, {})), HasSubstr("checksum"));
  EXPECT_THAT(refusal(0, message(5, 1, {})), HasSubstr("stage 1 of an evaluation that is in stage 0"));
  EXPECT_THAT(refusal(0, message(5, 0, {{0, {}}})), HasSubstr("a parcel for worker 0"));
  EXPECT_THAT(refusal(0, message(5, 0, {{1, {1}}, {3, {}}})), HasSubstr("a parcel for worker 3"));
  EXPECT_THAT(refusal(0, message(5, 0, {{1, {1}}, {1, {2}}})), HasSubstr("a parcel for worker 1"));
  Bytes cut = message(5, 0, {{1, {1, 2}}});
  cut.resize(cut.size() - 9);
  seal(cut, 5);
  EXPECT_THAT(refusal(0, cut), HasSubstr("ends too early"));
  EXPECT_EQ(relay_.bytes(), 0u);  // whole or not at all
}

TEST_F(RelayTest, RemembersTheRoundBeforeUntilThisOneIsOver) {
  const auto history = [&](std::uint32_t worker, std::uint64_t round) {
    Bytes out;
    relay_.append_history(worker, round, out);
    return out;
  };
  play(5, {{{{1, {1}}}, {}, {}}, {{}, {}, {}}});
  const Bytes before = history(1, 5);
  play(6, {{{{1, {2, 3}}}, {}, {}}, {{}, {}, {}}});
  EXPECT_EQ(history(1, 5), before);
  EXPECT_NE(history(1, 6), before);
  relay_.undo_round(7);  // which has not begun
  EXPECT_EQ(relay_.bytes(), 3u);
  relay_.undo_round(6);
  EXPECT_EQ(relay_.bytes(), 1u);
  EXPECT_EQ(history(1, 5), before);
}

TEST_F(RelayTest, GoesOnFromWhatItSaved) {
  play(5, {{{{1, {1}}}, {}, {{0, {4}}}}, {{}, {{2, {5, 6}}}, {}}});
  Bytes saved;
  relay_.save(5, saved);
  Relay other(2, 3);
  tpc::Reader in(saved.data(), saved.size());
  other.load(5, in);
  in.finish();
  EXPECT_EQ(other.bytes(), relay_.bytes());
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    Bytes ours, theirs;
    relay_.append_history(worker, 5, ours);
    other.append_history(worker, 5, theirs);
    EXPECT_EQ(ours, theirs) << worker;
  }
}

}  // namespace
}  // namespace threepc
