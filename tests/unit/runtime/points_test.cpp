// Who took part in which round, at which x: also when rounds are undone, late or saved.
#include "method/points.hpp"

#include <gtest/gtest.h>

#include <threepc/sdk/bytes.hpp>

namespace threepc {
namespace {

class PointsTest : public testing::Test {
 protected:
  void begin(std::uint64_t round) {
    static_cast<double*>(x_.data())[0] = 100.0 + static_cast<double>(round);
    points_.begin(round, x_);
  }
  void expect(std::uint32_t worker, std::uint64_t round) const { expect(points_, worker, round); }
  static void expect(const Points& points, std::uint32_t worker, std::uint64_t round) {
    ASSERT_NE(points.of(worker), nullptr);
    EXPECT_EQ(points.of(worker)->round, round);
    EXPECT_EQ(static_cast<const double*>(points.of(worker)->x.data())[0], 100.0 + static_cast<double>(round));
  }

  RawVector x_{TPC_F64, 2};
  Points points_{TPC_F64, 2, 3};
};

TEST_F(PointsTest, EachWorkerHasItsOwn) {
  EXPECT_EQ(points_.of(0), nullptr);
  begin(0);
  for (const std::uint32_t worker : {0u, 1u, 2u}) points_.take_part(worker);
  for (std::uint64_t round = 1; round < 50; ++round) {
    begin(round);
    points_.take_part(0);
    if (round % 7 == 0) points_.take_part(1);
  }
  expect(0, 49);
  expect(1, 49);
  expect(2, 0);
}

TEST_F(PointsTest, ARoundIsUndone) {
  begin(0);
  points_.take_part(0);
  points_.take_part(1);
  begin(1);
  points_.take_part(0);
  begin(2);
  points_.take_part(0);
  points_.take_part(1);
  points_.take_part(2);
  points_.undo_round();
  expect(0, 1);
  expect(1, 0);
  EXPECT_EQ(points_.of(2), nullptr);
}

TEST_F(PointsTest, ALateUpdateIsOfItsOwnRound) {
  begin(3);
  points_.take_part(0);
  points_.owe(1);
  for (std::uint64_t round = 4; round < 9; ++round) begin(round), points_.take_part(0);
  points_.settle(1);
  expect(1, 3);
  begin(9);
  points_.undo_round();
  expect(1, 3);
}

TEST_F(PointsTest, WhatIsSavedIsLoaded) {
  begin(0);
  points_.take_part(0);
  points_.take_part(1);
  begin(5);
  points_.take_part(0);
  Bytes bytes;
  points_.save(bytes);
  Points loaded(TPC_F64, 2, 3);
  tpc::Reader in(bytes.data(), bytes.size());
  loaded.load(in);
  in.finish();
  expect(loaded, 0, 5);
  expect(loaded, 1, 0);
  EXPECT_EQ(loaded.of(2), nullptr);
}

TEST_F(PointsTest, DamagedBytesAreRefused) {
  begin(0);
  points_.take_part(0);
  Bytes bytes;
  points_.save(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Points loaded(TPC_F64, 2, 3);
    tpc::Reader in(bytes.data(), size);
    EXPECT_THROW(loaded.load(in), tpc::Error) << size;
  }
  bytes[bytes.size() - 4] = 2;
  Points loaded(TPC_F64, 2, 3);
  tpc::Reader in(bytes.data(), bytes.size());
  EXPECT_THROW(loaded.load(in), tpc::Error);
}

}  // namespace
}  // namespace threepc
