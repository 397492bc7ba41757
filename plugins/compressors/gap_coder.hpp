// Ascending indices as bytes: the gaps between them, coded with asymmetric numeral systems (Duda 2013, arXiv
// 1311.2540).
//
// A state x takes a symbol of frequency f, whose first slot is c, by x <- 2^12 floor(x / f) + c + x mod f, and l of s
// bits by x <- 2^s x + l. Before x would reach 2^64 it sheds its lowest 32 bits as a word. The decoder undoes this,
// last in, first out, and takes a word back whenever x < 2^32; so the encoder begins with the last gap. It is not
// coded: x begins as that gap. At the end x stands before its words; zeros before it fill up the size, which d and m
// fix.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <threepc/sdk.hpp>
#include <utility>
#include <vector>

#include "gap_model.hpp"

namespace gap_detail {
constexpr std::uint64_t word_limit = std::uint64_t{1} << 32;
}

class GapEncoder {
 public:
  /// The code of `marked`, ascending, at least one: model.bytes() bytes, valid until the next call.
  std::span<const std::uint8_t> encode(const GapModel& model, std::span<const std::uint32_t> marked) {
    bytes_.resize(slack + model.bytes());
    Words out = {bytes_.data() + slack, bytes_.data() + bytes_.size()};
    GapModel::two_states(static_cast<std::uint32_t>(marked.size())) ? code_two(model, marked, out)
                                                                    : code_one(model, marked, out);
    return std::span(bytes_).subspan(slack);
  }

 private:
  static constexpr std::size_t slack = sizeof(std::uint32_t);

  /// Words, written from the end of the bytes to their beginning. A local, so that it lives in registers.
  struct Words {
    std::uint8_t* begin;  // slack bytes before it may be written, too
    std::uint8_t* at;

    void store(std::uint64_t state) {
      if (at < begin) [[unlikely]]
        outgrown();
      const auto word = static_cast<std::uint32_t>(state);
      std::memcpy(at - sizeof word, &word, sizeof word);
    }
    void shed(std::uint64_t state) {
      store(state);
      at -= sizeof(std::uint32_t);
    }
    /// Sheds a word if the state has reached `limit`, without a branch: nobody could predict it.
    std::uint64_t room(std::uint64_t state, std::uint64_t limit) {
      const bool full = state >= limit;
      store(state);
      at -= full ? sizeof(std::uint32_t) : 0;
      return full ? state >> 32 : state;
    }
    void put_front(std::uint64_t state) {
      for (; at - begin >= 4; state >>= 32) shed(state);
      if (at < begin || state >> 8 * (at - begin) != 0) outgrown();
      std::memcpy(begin, &state, static_cast<std::size_t>(at - begin));
    }
    [[noreturn]] static void outgrown() {
      throw tpc::Error(TPC_INTERNAL, "positions outgrow the size that their model promises");
    }
  };

  static std::uint32_t gap(std::span<const std::uint32_t> marked, std::size_t j) {
    return j == 0 ? marked[0] : marked[j] - marked[j - 1] - 1;
  }

  static void code_one(const GapModel& model, std::span<const std::uint32_t> marked, Words out) {
    std::size_t j = marked.size() - 1;
    std::uint64_t state = gap(marked, j);
    while (j-- > 0) state = push(model, state, gap(marked, j), out);
    out.put_front(state);
  }

  /// Gaps with an even number and the others.
  static void code_two(const GapModel& model, std::span<const std::uint32_t> marked, Words out) {
    std::size_t left = marked.size();
    std::uint64_t even = gap_detail::word_limit + gap(marked, --left);
    std::uint64_t odd = gap_detail::word_limit + gap(marked, --left);
    if (left % 2 == 0)
      std::swap(even, odd);
    else
      even = push(model, even, gap(marked, --left), out);
    for (; left > 0; left -= 2) {
      odd = push(model, odd, gap(marked, left - 1), out);
      even = push(model, even, gap(marked, left - 2), out);
    }
    out.shed(odd);
    out.shed(odd >> 32);
    out.put_front(even);
  }

  static std::uint64_t push(const GapModel& model, std::uint64_t state, std::uint32_t gap, Words& out) {
    const unsigned shift = model.shift();
    if (shift > 0) {
      state = out.room(state, std::uint64_t{1} << (64 - shift));
      state = state << shift | (gap & ((1u << shift) - 1));
    }
    std::uint32_t h = gap >> shift, more = 0;
    if (h >= model.more()) more = h / model.more(), h %= model.more();
    state = push(model.symbol(h), state, out);
    for (; more > 0; --more) state = push(model.symbol(model.more()), state, out);
    return state;
  }

  static std::uint64_t push(const GapModel::Symbol& symbol, std::uint64_t state, Words& out) {
    __extension__ using Wide = unsigned __int128;
    state = out.room(state, std::uint64_t{symbol.frequency} << (64 - GapModel::precision));
    const auto below = static_cast<std::uint64_t>(Wide{state} * symbol.reciprocal >> 64);  // or the quotient itself
    const std::uint64_t rest = state - below * symbol.frequency;
    const bool one_more = rest >= symbol.frequency;
    const std::uint64_t quotient = below + (one_more ? 1 : 0);
    return (quotient << GapModel::precision) + symbol.first + rest - (one_more ? symbol.frequency : 0);
  }

  std::vector<std::uint8_t> bytes_;
};

/// Reads what GapEncoder writes. The bytes are hostile.
class GapDecoder {
 public:
  /// `bytes` has model.bytes() of them.
  GapDecoder(const GapModel& model, std::span<const std::uint8_t> bytes)
      : model_(model), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  /// Calls visit(index) for `marked` > 0 indices below `dim`, ascending. Throws tpc::Corrupt for bytes that hold none.
  template <class Visit>
  void decode(std::uint32_t dim, std::uint32_t marked, Visit visit) {
    room_ = dim - marked;
    std::uint64_t even = front();
    GapModel::two_states(marked) ? decode_two(marked, even, visit) : decode_one(marked, even, visit);
    if (at_ != end_) refuse();
  }

 private:
  template <class Visit>
  void decode_one(std::uint32_t marked, std::uint64_t state, Visit& visit) {
    for (; marked > 1; --marked) state = pop(state, visit);
    advance(state, visit);
  }

  template <class Visit>
  void decode_two(std::uint32_t marked, std::uint64_t even, Visit& visit) {
    std::uint64_t odd = take_word(take_word(0));
    for (; marked > 3; marked -= 2) {
      even = pop(even, visit);
      odd = pop(odd, visit);
    }
    if (marked == 3) even = pop(even, visit), std::swap(even, odd);
    if (even < gap_detail::word_limit || odd < gap_detail::word_limit) refuse();
    advance(even - gap_detail::word_limit, visit);
    advance(odd - gap_detail::word_limit, visit);
  }

  template <class Visit>
  std::uint64_t pop(std::uint64_t state, Visit& visit) {
    std::uint64_t h = pop_symbol(state);
    if (h == model_.more()) [[unlikely]]
      h = pop_more(state);
    const unsigned shift = model_.shift();
    const std::uint64_t low = state & ((1u << shift) - 1);
    state = refilled(state >> shift);
    advance(h << shift | low, visit);
    return state;
  }

  std::uint64_t pop_more(std::uint64_t& state) {
    std::uint64_t h = model_.more();
    for (std::uint32_t next = model_.more(); next == model_.more(); h += next) {
      if (h > room_) refuse();
      next = pop_symbol(state);
    }
    return h;
  }

  std::uint32_t pop_symbol(std::uint64_t& state) {
    const auto slot = static_cast<std::uint32_t>(state) & (GapModel::total - 1);
    const std::uint32_t h = model_.symbol_at(slot);
    const GapModel::Symbol& symbol = model_.symbol(h);
    state = refilled((state >> GapModel::precision) * symbol.frequency + slot - symbol.first);
    return h;
  }

  template <class Visit>
  void advance(std::uint64_t gap, Visit& visit) {
    if (gap > room_) [[unlikely]]
      refuse();
    room_ -= gap;
    next_ += gap;
    visit(static_cast<std::uint32_t>(next_++));
  }

  /// The first state: what is left over of whole words, then words until it is large enough.
  std::uint64_t front() {
    std::uint64_t state = 0;
    const auto odd = static_cast<std::size_t>(end_ - at_) % sizeof(std::uint32_t);
    std::memcpy(&state, at_, odd);
    at_ += odd;
    while (state < gap_detail::word_limit && at_ != end_) state = take_word(state);
    return state;
  }

  std::uint64_t take_word(std::uint64_t state) {
    if (at_ == end_) refuse();
    return refilled(static_cast<std::uint32_t>(state));
  }

  /// Without a branch but for the end of the words: nobody could predict it.
  std::uint64_t refilled(std::uint64_t state) {
    if (at_ == end_) return state;
    std::uint32_t word = 0;
    std::memcpy(&word, at_, sizeof word);
    const bool low = state < gap_detail::word_limit;
    at_ += low ? sizeof word : 0;
    return low ? state << 32 | word : state;
  }

  void refuse() const { refuse_behind(next_); }

  /// Not of the object, which could not live in registers otherwise.
  [[noreturn]] static void refuse_behind(std::uint64_t next) {
    throw tpc::Corrupt(tpc::text("the positions from index ", next, " on are none that an encoder writes"));
  }

  const GapModel& model_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint64_t room_ = 0;  // coordinates that gaps may still pass over
  std::uint64_t next_ = 0;
};
