// Positions: their size against the information in them, and what is read against what was written.
#include "positions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace {

using Indices = std::vector<std::uint32_t>;
using Bytes = std::vector<std::uint8_t>;

struct Shape {
  std::uint32_t dim, count;
};
void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.count << " of " << shape.dim; }

double log2_choose(const Shape& s) {
  return (std::lgamma(s.dim + 1.0) - std::lgamma(s.count + 1.0) - std::lgamma(s.dim - s.count + 1.0)) / std::log(2);
}

Bytes written(const Shape& shape, const Indices& indices) {
  const Positions positions(shape.count, shape.dim);
  Bytes bytes((positions.bits() + 7) / 8);
  tpc_buffer buffer = {bytes.data(), bytes.size(), 0};
  tpc::Writer out(buffer);
  Positions::Scratch scratch;
  positions.write(indices, scratch, out);
  out.flush_bits();
  EXPECT_EQ(buffer.size, bytes.size()) << ::testing::PrintToString(shape);
  return bytes;
}

Indices read(const Shape& shape, const Bytes& bytes) {
  tpc::Reader in(bytes.data(), bytes.size());
  Indices out;
  Positions(shape.count, shape.dim).read(in, [&](std::uint32_t j, std::uint32_t i) {
    EXPECT_EQ(j, out.size());
    out.push_back(i);
  });
  in.flush_bits();
  in.finish();
  return out;
}

/// `count` of the coordinates from `begin` to `end`, each set as likely as any other (Vitter 1984, method A).
Indices uniform(std::uint32_t count, std::uint32_t begin, std::uint32_t end, std::mt19937_64& engine) {
  Indices out;
  for (std::uint64_t i = begin, left = count; left > 0; ++i)
    if (engine() % (end - i) < left) out.push_back(static_cast<std::uint32_t>(i)), --left;
  return out;
}

Indices consecutive(const Shape& shape, std::uint32_t begin) {
  Indices out(shape.count);
  for (std::uint32_t j = 0; j < shape.count; ++j) out[j] = begin + j;
  return out;
}

/// Sets that a coder of gaps may find hard: every gap the same, all in one gap, one in each half, clusters.
std::vector<Indices> sets(const Shape& shape, std::mt19937_64& engine) {
  const auto [dim, count] = shape;
  std::vector<Indices> out = {consecutive(shape, 0), consecutive(shape, dim - count),
                              consecutive(shape, (dim - count) / 2)};
  for (int repeat = 0; repeat < 3; ++repeat) out.push_back(uniform(count, 0, dim, engine));
  if (count == 0) return out;
  Indices spread(count), apart = consecutive(shape, 0), piled = uniform(count / 2, 0, dim / 2, engine);
  for (std::uint32_t j = 0; j < count; ++j) spread[j] = static_cast<std::uint32_t>(std::uint64_t{j} * dim / count);
  apart.back() = dim - 1;
  const Indices tail = consecutive({dim, count - count / 2}, dim - (count - count / 2));
  piled.insert(piled.end(), tail.begin(), tail.end());
  out.insert(out.end(), {spread, apart, piled});
  return out;
}

const Shape grid[] = {{100, 8},
                      {100, 10},
                      {123, 12},
                      {1000, 8},
                      {1000, 10},
                      {1000, 30},
                      {1000, 100},
                      {1000, 500},
                      {10'000, 10},
                      {10'000, 100},
                      {10'000, 4000},
                      {100'000, 10},
                      {100'000, 1000},
                      {100'000, 50'000},
                      {1'000'000, 10},
                      {1'000'000, 100},
                      {1'000'000, 1000},
                      {1'000'000, 10'000},
                      {1'000'000, 100'000},
                      {1'000'000, 300'000},
                      {1'000'000, 500'000},
                      {1'000'000, 600'000},
                      {1'000'000, 999'000}};

double bits(const Shape& shape) { return static_cast<double>(Positions(shape.count, shape.dim).bits()); }

TEST(Positions, TakeAtMostATwentiethMoreThanTheirInformation) {
  for (double dim = 100; dim < 4e9; dim *= 1.3)
    for (double count = 8; count < dim; count *= 1.2) {
      const Shape shape = {static_cast<std::uint32_t>(dim), static_cast<std::uint32_t>(count)};
      EXPECT_LE(bits(shape), 1.05 * log2_choose(shape) + 16) << ::testing::PrintToString(shape);
      const double more = std::min(shape.count, shape.dim - shape.count) >= 2000 ? 1.02 * log2_choose(shape) : INFINITY;
      EXPECT_LE(bits(shape), more) << ::testing::PrintToString(shape);
    }
}

TEST(Positions, AreNeverLongerThanAListOrAMask) {
  for (std::uint32_t dim : {1u, 2u, 3u, 10u, 33u, 64u, 100u, 1000u})
    for (std::uint32_t count = 0; count <= dim; ++count) {
      const std::uint64_t bits = Positions(count, dim).bits();
      EXPECT_LE(bits, std::uint64_t{count} * tpc::index_bits(dim));
      EXPECT_LE(bits, dim);
      EXPECT_GE(static_cast<double>(bits), log2_choose({dim, count}) - 1e-6);
    }
}

TEST(Positions, ComeBackFromAnySetInTheSizeOfAllSets) {
  std::mt19937_64 engine(1);
  for (const Shape& shape : grid)
    for (const Indices& set : sets(shape, engine))
      ASSERT_EQ(read(shape, written(shape, set)), set) << ::testing::PrintToString(shape);
}

TEST(Positions, ComeBackForEveryCountOfASmallVector) {
  std::mt19937_64 engine(2);
  for (std::uint32_t dim : {1u, 2u, 7u, 40u, 129u, 700u})
    for (std::uint32_t count = 0; count <= dim; ++count)
      for (const Indices& set : sets({dim, count}, engine))
        ASSERT_EQ(read({dim, count}, written({dim, count}, set)), set) << count << " of " << dim;
}

TEST(Positions, ComeBackWhereTwoStatesTakeOver) {
  std::mt19937_64 engine(3);
  for (std::uint32_t count = 4093; count < 4100; ++count)
    for (std::uint32_t dim : {2 * count, 3 * count, 50 * count, 1000 * count})
      for (const Indices& set : sets({dim, count}, engine))
        ASSERT_EQ(read({dim, count}, written({dim, count}, set)), set) << count << " of " << dim;
}

TEST(Positions, ReachTheLastOf4Billion) {
  constexpr std::uint32_t most = UINT32_MAX;
  std::mt19937_64 engine(4);
  for (std::uint32_t count : {1u, 2u, 8u, 100u, 5000u}) {
    Indices set(count);
    for (std::uint32_t& i : set) i = static_cast<std::uint32_t>(engine());
    set.back() = most - 1;
    std::sort(set.begin(), set.end());
    ASSERT_EQ(std::adjacent_find(set.begin(), set.end()), set.end());
    EXPECT_EQ(read({most, count}, written({most, count}, set)), set) << count;
  }
}

/// What is accepted must be a set, and what an encoder writes for it.
void expect_a_set_or_a_refusal(const Shape& shape, const Bytes& bytes) {
  Indices set;
  try {
    set = read(shape, bytes);
  } catch (const tpc::Corrupt&) {
    return;
  }
  ASSERT_EQ(set.size(), shape.count);
  ASSERT_TRUE(std::is_sorted(set.begin(), set.end(), std::less_equal<>())) << ::testing::PrintToString(shape);
  ASSERT_LT(set.back(), shape.dim);
  ASSERT_EQ(written(shape, set), bytes) << ::testing::PrintToString(shape);
}

TEST(Positions, OfHostileBytesAreASetThatIsWrittenSoOrARefusal) {
  std::mt19937_64 engine(5);
  for (const Shape& shape : {Shape{100, 10},
                             {100, 70},
                             {1000, 10},
                             {1000, 100},
                             {1'000'000, 10},
                             {1'000'000, 100},
                             {20'000, 5000},
                             {500'000, 5001},
                             {UINT32_MAX, 40}}) {
    const std::size_t size = (Positions(shape.count, shape.dim).bits() + 7) / 8;
    for (const std::uint8_t all : Bytes{0x00, 0xff, 0x80, 0x01}) expect_a_set_or_a_refusal(shape, Bytes(size, all));
    for (int repeat = 0; repeat < 300; ++repeat) {
      Bytes bytes(size);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine());
      if (repeat % 2 == 0) std::fill_n(bytes.begin(), std::min<std::size_t>(size, 1 + engine() % 6), std::uint8_t{0});
      expect_a_set_or_a_refusal(shape, bytes);
    }
  }
}

TEST(Positions, WithOneBitChangedAreAnotherSetOrARefusal) {
  std::mt19937_64 engine(6);
  for (const Shape& shape : {Shape{100, 10}, {1000, 100}, {1000, 800}, {1'000'000, 10}, {50'000, 4500}}) {
    const Bytes good = written(shape, uniform(shape.count, 0, shape.dim, engine));
    for (int repeat = 0; repeat < 300; ++repeat) {
      Bytes bad = good;
      bad[engine() % bad.size()] ^= static_cast<std::uint8_t>(1u << engine() % 8);
      expect_a_set_or_a_refusal(shape, bad);
    }
  }
}

TEST(Positions, RefuseGapsThatEndTooEarly) {
  const Shape shape = {1000, 100};
  Bytes bytes = written(shape, consecutive(shape, 450));
  bytes.pop_back();
  EXPECT_THROW(read(shape, bytes), tpc::Corrupt);
}

TEST(Log2Below, IsTheLogarithmRoundedDown) {
  for (std::uint64_t v : {1u, 2u, 3u, 5u, 7u, 100u, 4095u, 4096u, 65537u, 4294967295u})
    EXPECT_EQ(log2_below(v), static_cast<std::uint64_t>(std::floor(std::log2(static_cast<long double>(v)) * 65536)))
        << v;
}

}  // namespace
