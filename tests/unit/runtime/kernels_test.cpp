// Kernels give the same bits on every instruction set, and those of the loops of the SDK.
#include <Random123/philox.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <threepc/sdk.hpp>
#include <vector>

#include "vector/kernels/philox.hpp"
#include "vector/kernels/select.hpp"
#include "vector/kernels/sums.hpp"

namespace threepc::kernels {
namespace {

/// One instruction set after another that this processor has.
class EverySet {
 public:
  template <class Body>
  static void run(Body&& body) {
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
      SCOPED_TRACE(hwy::TargetName(target));
      choose(target);
      body();
    }
    choose(0);
  }

 private:
  static void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

enum class Shape { noise, equal, zeros, geometric, sorted, few_values, extremes };

template <class T>
std::vector<T> vector_of(Shape shape, std::size_t dim, std::mt19937& random) {
  std::normal_distribution<T> normal;
  std::vector<T> v(dim);
  for (std::size_t i = 0; i < dim; ++i) {
    const T sign = random() % 2 == 0 ? T{1} : T{-1};
    if (shape == Shape::noise) v[i] = normal(random);
    if (shape == Shape::equal) v[i] = sign;
    if (shape == Shape::zeros) v[i] = random() % 50 == 0 ? normal(random) : T{0};
    if (shape == Shape::geometric) v[i] = sign * std::pow(T{0.9}, static_cast<T>(i));
    if (shape == Shape::sorted) v[i] = static_cast<T>(i);
    if (shape == Shape::few_values) v[i] = sign * static_cast<T>(random() % 5);
    if (shape == Shape::extremes)
      v[i] = std::vector<T>{std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN(), -T{0},
                            std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max()}[random() % 5];
  }
  return v;
}

constexpr Shape shapes[] = {Shape::noise,  Shape::equal,      Shape::zeros,   Shape::geometric,
                            Shape::sorted, Shape::few_values, Shape::extremes};

template <class T>
class Kernels : public testing::Test {
 protected:
  /// What select_largest finds in a - b, against what sorting does.
  void check(const std::vector<T>& a, const T* b, std::uint32_t k, std::uint64_t* last) {
    const auto dim = static_cast<std::uint32_t>(a.size());
    std::vector<std::uint32_t> found(k), expected(k);
    select_largest(a.data(), b, dim, k, found.data(), last);
    tpc::detail::select_by_sorting(tpc::Difference<T>(a.data(), b, dim), std::span(expected));
    EXPECT_EQ(found, expected) << "d = " << dim << ", k = " << k;
  }

  std::mt19937 random_{3};
};

using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Kernels, Types);

TYPED_TEST(Kernels, TheLargestAreTheLargestOfAnyVector) {
  EverySet::run([&] {
    for (const Shape shape : shapes)
      for (const std::uint32_t dim : {1u, 2u, 63u, 64u, 65u, 1000u, 20001u})
        for (const std::uint32_t k : {0u, 1u, dim / 100, dim / 7, dim / 2, dim - 1, dim}) {
          const auto a = vector_of<TypeParam>(shape, dim, this->random_);
          const auto b = vector_of<TypeParam>(Shape::noise, dim, this->random_);
          this->check(a, nullptr, k, nullptr);
          this->check(a, b.data(), k, nullptr);
        }
  });
}

/// Whatever it remembers, of a vector that is not like this one.
TYPED_TEST(Kernels, WhatIsRememberedChangesNothing) {
  std::uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    auto a = vector_of<TypeParam>(shapes[this->random_() % std::size(shapes)], 3000, this->random_);
    const auto scale = static_cast<TypeParam>(std::pow(10.0, static_cast<int>(this->random_() % 7) - 3));
    for (TypeParam& value : a) value *= scale;
    this->check(a, nullptr, 1 + this->random_() % 300, &last);
  }
  last = std::numeric_limits<std::uint64_t>::max();
  this->check(vector_of<TypeParam>(Shape::noise, 500, this->random_), nullptr, 20, &last);
}

TYPED_TEST(Kernels, AnyAlignmentWillDo) {
  const auto all = vector_of<TypeParam>(Shape::noise, 500, this->random_);
  EverySet::run([&] {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      const std::vector<TypeParam> part(all.begin() + static_cast<std::ptrdiff_t>(offset), all.end());
      std::vector<std::uint32_t> shifted(30), plain(30);
      const auto size = static_cast<std::uint32_t>(part.size());
      select_largest(all.data() + offset, nullptr, size, 30, shifted.data());
      select_largest(part.data(), nullptr, size, 30, plain.data());
      EXPECT_EQ(shifted, plain);
      EXPECT_EQ(distance_sq(all.data() + offset, nullptr, size), distance_sq(part.data(), nullptr, size));
    }
  });
}

TYPED_TEST(Kernels, DistancesHaveTheBitsOfTheLoops) {
  EverySet::run([&] {
    for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 1000u, 1023u}) {
      const auto a = vector_of<TypeParam>(Shape::noise, size, this->random_);
      const auto b = vector_of<TypeParam>(Shape::noise, size, this->random_);
      const auto difference = [&](std::size_t i) { return double{a[i]} - double{b[i]}; };
      EXPECT_EQ(distance_sq(a.data(), b.data(), size),
                tpc::detail::lane_sum(size, [&](std::size_t i) { return difference(i) * difference(i); }));
      EXPECT_EQ(distance_sq(a.data(), nullptr, size),
                tpc::detail::lane_sum(size, [&](std::size_t i) { return double{a[i]} * double{a[i]}; }));
    }
  });
}

TEST(Philox, HasTheWordsOfRandom123) {
  const std::array<std::uint32_t, 2> key = {0x12345678, 0xfedcba98};
  const std::array<std::uint32_t, 3> counter = {7, 0xffffffff, 0x10002};
  EverySet::run([&] {
    for (const std::uint32_t first : {0u, 3u, 0xfffffff0u})
      for (const std::size_t blocks : {0u, 1u, 3u, 4u, 7u, 8u, 17u, 64u}) {
        std::vector<std::uint32_t> words(4 * blocks), expected;
        philox(key, counter, first, blocks, words.data());
        for (std::size_t i = 0; i < blocks; ++i) {
          const auto block = r123::Philox4x32()(
              {{first + static_cast<std::uint32_t>(i), counter[0], counter[1], counter[2]}}, {{key[0], key[1]}});
          expected.insert(expected.end(), block.begin(), block.end());
        }
        EXPECT_EQ(words, expected) << first << " " << blocks;
      }
  });
}

}  // namespace
}  // namespace threepc::kernels
