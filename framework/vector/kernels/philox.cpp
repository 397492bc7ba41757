// Philox4x32-10, a block in each lane; compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vector/kernels/philox.cpp"
#include <hwy/foreach_target.h>
// After it, as Highway demands.
#include <hwy/highway.h>

#include "vector/kernels/philox.hpp"

HWY_BEFORE_NAMESPACE();
namespace threepc::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::uint32_t multipliers[] = {0xD2511F53, 0xCD9E8D57}, weyl[] = {0x9E3779B9, 0xBB67AE85};
constexpr int rounds = 10;

constexpr std::uint64_t product(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} * b; }

void one_block(std::array<std::uint32_t, 2> key, std::array<std::uint32_t, 4> c, std::uint32_t* out) {
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t p0 = product(c[0], multipliers[0]), p1 = product(c[2], multipliers[1]);
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += weyl[0], key[1] += weyl[1];
  }
  for (int i = 0; i < 4; ++i) out[i] = c[i];
}

#if HWY_TARGET != HWY_SCALAR

using D = hn::ScalableTag<std::uint32_t>;
using V = hn::Vec<D>;

/// Upper and lower halves of 32-bit products, for which processors multiply every other lane.
HWY_INLINE void multiply(V a, V by, V& high, V& low) {
  const D d;
  const hn::RepartitionToWide<D> wide;
  const auto even = hn::MulEven(a, by);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, a))), by);
  const auto lower = hn::Set(wide, 0xffffffffU);
  high = hn::BitCast(d, hn::Or(hn::ShiftRight<32>(even), hn::AndNot(lower, odd)));
  low = hn::BitCast(d, hn::Or(hn::And(even, lower), hn::ShiftLeft<32>(odd)));
}

std::size_t whole_vectors(std::array<std::uint32_t, 2> key, const std::array<std::uint32_t, 3>& counter,
                          std::uint32_t first, std::size_t blocks, std::uint32_t* words) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t done = 0;
  for (; done + lanes <= blocks; done += lanes) {
    V c0 = hn::Iota(d, first + static_cast<std::uint32_t>(done)), c1 = hn::Set(d, counter[0]),
      c2 = hn::Set(d, counter[1]), c3 = hn::Set(d, counter[2]);
    std::uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < rounds; ++round) {
      V high0, low0, high1, low1;
      multiply(c0, hn::Set(d, multipliers[0]), high0, low0);
      multiply(c2, hn::Set(d, multipliers[1]), high1, low1);
      c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
      c1 = low1, c3 = low0;
      k0 += weyl[0], k1 += weyl[1];
    }
    hn::StoreInterleaved4(c0, c1, c2, c3, d, words + 4 * done);
  }
  return done;
}

#else

std::size_t whole_vectors(std::array<std::uint32_t, 2>, const std::array<std::uint32_t, 3>&, std::uint32_t, std::size_t,
                          std::uint32_t*) {
  return 0;
}

#endif

}  // namespace

void philox_blocks(std::array<std::uint32_t, 2> key, std::array<std::uint32_t, 3> counter, std::uint32_t first,
                   std::size_t blocks, std::uint32_t* words) {
  for (std::size_t i = whole_vectors(key, counter, first, blocks, words); i < blocks; ++i)
    one_block(key, {first + static_cast<std::uint32_t>(i), counter[0], counter[1], counter[2]}, words + 4 * i);
}

}  // namespace threepc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace threepc::kernels {

HWY_EXPORT(philox_blocks);

void philox(std::array<std::uint32_t, 2> key, std::array<std::uint32_t, 3> counter, std::uint32_t first,
            std::size_t blocks, std::uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(philox_blocks)(key, counter, first, blocks, words);
}

}  // namespace threepc::kernels
#endif
