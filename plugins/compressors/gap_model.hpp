// What a gap between ascending indices costs: a distribution that both ends derive from two numbers, in integers.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

/// 2^16 log2 v, rounded down; v > 0. By squaring the mantissa, one bit at a time.
constexpr std::uint64_t log2_below(std::uint64_t v) {
  __extension__ using Wide = unsigned __int128;
  std::uint64_t mantissa = v << std::countl_zero(v), log = std::bit_width(v) - 1u;
  for (int bit = 0; bit < 16; ++bit) {
    const Wide square = Wide{mantissa} * mantissa;  // [1, 4) in units of 2^-126
    const bool two = square >> 127 != 0;
    mantissa = static_cast<std::uint64_t>(square >> (two ? 64 : 63));
    log = 2 * log + (two ? 1 : 0);
  }
  return log;
}

/// Gaps between m of d coordinates, 0 < m <= d/2: of each, the unmarked coordinates before it. All gaps together have
/// at most d - m.
///
/// Were the m chosen uniformly, a gap would be g with probability about q^g (1 - q), q = (d - m) / d. That costs
/// -log2(1 - q) - g log2 q bits, linear in g, so that no set of m costs more than d H(m/d), which is
/// log2 C(d, m) + log2(2 pi m) / 2 at most: the size is a function of d and m alone, for spread and for clustered sets.
///
/// A gap is g = 2^s h + l. l < 2^s is coded as it is: with 2^s at most an eighth of d/m it is nearly uniform. h is one
/// symbol of 0 .. n - 1, or several: the symbol n stands for n more to come. Their frequencies add up to 2^12.
class GapModel {
 public:
  static constexpr unsigned precision = 12;
  static constexpr std::uint32_t total = 1u << precision;

  struct Symbol {
    std::uint32_t first = 0;  // the frequencies of all before it
    std::uint32_t frequency = 0;
    std::uint64_t reciprocal = 0;  // (2^64 - 1) / frequency
  };

  GapModel(std::uint32_t dim, std::uint32_t marked) {
    while (shift_ < most_shift && (std::uint64_t{marked} << (shift_ + 4)) <= dim) ++shift_;
    const std::uint64_t unmarked = dim - marked;
    set_frequencies((unmarked << 32) / (unmarked + (std::uint64_t{marked} << shift_)));
    bytes_ = bytes_for(unmarked, marked);
  }

  unsigned shift() const { return shift_; }     // s
  std::uint32_t more() const { return more_; }  // n
  std::uint64_t bytes() const { return bytes_; }
  const Symbol& symbol(std::uint32_t h) const { return symbols_[h]; }
  std::uint32_t symbol_at(std::uint32_t slot) const { return symbol_at_[slot]; }

  /// Many gaps are coded by two states in turn, so that the processor need not wait for one of them.
  static bool two_states(std::uint32_t marked) { return marked >= 4096; }

 private:
  static constexpr unsigned most_shift = 16;
  static constexpr std::uint32_t most_symbols = 32;
  static constexpr std::uint64_t one = std::uint64_t{1} << 16;  // bit, where bits are counted in fractions

  /// `ratio` / 2^32 is what remains from one cell of 2^s to the next. n is large enough that it is rarely used and
  /// small enough that rounding spoils no frequency.
  void set_frequencies(std::uint64_t ratio) {
    std::array<std::uint64_t, most_symbols + 1> rest = {std::uint64_t{1} << 32};  // beyond h - 1
    while (more_ < most_symbols && rest[more_] > (rest[0] >> 5)) {
      rest[more_ + 1] = rest[more_] * ratio >> 32;
      ++more_;
    }
    for (std::uint32_t h = 0; h <= more_; ++h)
      symbols_[h].first = h + static_cast<std::uint32_t>((rest[0] - rest[h]) * (total - more_ - 1) >> 32);
    for (std::uint32_t h = 0; h <= more_; ++h) complete(h, h < more_ ? symbols_[h + 1].first : total);
  }

  void complete(std::uint32_t h, std::uint32_t end) {
    Symbol& symbol = symbols_[h];
    symbol.frequency = end - symbol.first;
    symbol.reciprocal = ~std::uint64_t{0} / symbol.frequency;
    std::memset(symbol_at_.data() + symbol.first, static_cast<int>(h), symbol.frequency);
    largest_ = std::max(largest_, symbol.frequency);
  }

  /// -log2 of its probability, rounded up.
  std::uint64_t cost(std::uint32_t h) const { return precision * one - log2_below(symbols_[h].frequency); }

  /// Bytes for any set. With F the largest frequency, coding a symbol of frequency f takes the state x to at most
  /// (x + F) 2^12 / f - F, so log2(x + F) grows by no more than its cost, and h of it cost no more than a + b h. A
  /// state begins as a gap, which costs at most log2 z in all; two begin at 2^32 and a gap, and of the second 64 bits
  /// are written, up to 32 too many. The last term is for the words that a state sheds: log2(x + F) falls by 32 - 2^-6
  /// or more.
  std::uint64_t bytes_for(std::uint64_t unmarked, std::uint32_t marked) const {
    const std::uint64_t b = (cost(more_) + more_ - 1) / more_;
    std::uint64_t a = 0;
    for (std::uint32_t h = 0; h < more_; ++h) a = std::max(a, cost(h) > b * h ? cost(h) - b * h : 0);
    constexpr std::uint64_t per_nat = 94549;  // 2^16 / ln 2, rounded up
    const std::uint64_t z = std::max<std::uint64_t>(largest_, (per_nat << shift_) / b + 1);
    const bool two = two_states(marked);
    std::uint64_t bits = two ? 96 * one + 1 : log2_below(z) + 1;
    bits += (marked - (two ? 2 : 1)) * (shift_ * one + a) + (b * unmarked >> shift_) + 1;
    bits += bits / 2048;
    return (bits + 8 * one - 1) / (8 * one);
  }

  unsigned shift_ = 0;
  std::uint32_t more_ = 0;
  std::uint32_t largest_ = 0;
  std::uint64_t bytes_ = 0;
  std::array<Symbol, most_symbols + 1> symbols_{};
  std::array<std::uint8_t, total> symbol_at_{};
};
