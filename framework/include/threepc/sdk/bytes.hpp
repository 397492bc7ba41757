// Payload bytes: little-endian values and bit-packed integers, bounds-checked in both directions.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <threepc/sdk/error.hpp>
#include <type_traits>

namespace tpc {

static_assert(sizeof(void*) == 8, "the boundary is laid out for 64-bit systems");
static_assert(std::endian::native == std::endian::little,
              "payloads are little-endian; a big-endian port must swap here");

/// Bits that hold any index of d coordinates: ceil(log2 d), 0 for d <= 1.
constexpr unsigned index_bits(std::uint32_t dim) {
  return dim <= 1 ? 0 : static_cast<unsigned>(std::bit_width(dim - 1));
}

/// Bytes of `count` fields of `width` bits each, packed.
constexpr std::uint64_t packed_bytes(std::uint64_t count, unsigned width) { return (count * width + 7) / 8; }

namespace detail {

constexpr std::uint64_t lowest_bits(unsigned width) { return (std::uint64_t{1} << width) - 1; }

inline void require_width(unsigned width) {
  if (width > 32) [[unlikely]]
    throw Error(TPC_INTERNAL, text("a field of ", width, " bits; at most 32 fit"));
}

}  // namespace detail

/// Appends to a buffer of the host. Writing past its capacity throws; nothing is overrun.
class Writer {
 public:
  explicit Writer(tpc_buffer& buffer) : buffer_(&buffer) { buffer_->size = 0; }

  template <class T>
  requires std::is_arithmetic_v<T>
  void put(T value) { std::memcpy(claim(sizeof value), &value, sizeof value); }

  template <class T>
  requires std::is_arithmetic_v<T>
  void put(std::span<const T> values) {
    if (!values.empty()) std::memcpy(claim(values.size_bytes()), values.data(), values.size_bytes());
  }

  /// The lowest `width` <= 32 bits of value; fields follow one another without gaps until flush_bits().
  void put_bits(std::uint32_t value, unsigned width) {
    detail::require_width(width);
    pending_ |= (value & detail::lowest_bits(width)) << pending_bits_;
    pending_bits_ += width;
    if (pending_bits_ < 32) return;
    const auto word = static_cast<std::uint32_t>(pending_);
    std::memcpy(claim_raw(sizeof word), &word, sizeof word);
    pending_ >>= 32;
    pending_bits_ -= 32;
  }

  /// Pads the last byte of a run of bit fields with zeros.
  void flush_bits() {
    write_whole_bytes();
    if (pending_bits_ > 0) *claim_raw(1) = static_cast<std::uint8_t>(pending_);
    pending_ = 0;
    pending_bits_ = 0;
  }

 private:
  /// What follows bit fields begins behind their last whole byte.
  std::uint8_t* claim(std::size_t size) {
    if (pending_bits_ >= 8) [[unlikely]]
      write_whole_bytes();
    return claim_raw(size);
  }

  void write_whole_bytes() {
    for (; pending_bits_ >= 8; pending_bits_ -= 8, pending_ >>= 8) *claim_raw(1) = static_cast<std::uint8_t>(pending_);
  }

  std::uint8_t* claim_raw(std::size_t size) {
    if (size > buffer_->capacity - buffer_->size)
      throw Error(TPC_INTERNAL, text("the payload outgrows max_payload() = ", buffer_->capacity, " bytes"));
    std::uint8_t* at = buffer_->data + buffer_->size;
    buffer_->size += size;
    return at;
  }

  tpc_buffer* buffer_;
  std::uint64_t pending_ = 0;
  unsigned pending_bits_ = 0;
};

/// `count` values inside a payload, read in place; payloads are not aligned.
template <class T>
class Values {
 public:
  explicit Values(const std::uint8_t* bytes) : bytes_(bytes) {}
  T operator[](std::size_t i) const {
    T value;
    std::memcpy(&value, bytes_ + i * sizeof value, sizeof value);
    return value;
  }

 private:
  const std::uint8_t* bytes_;
};

/// Reads a payload. Its bytes are hostile: reading past the end throws Corrupt, and so does finish() when
/// bytes are left over.
class Reader {
 public:
  Reader(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  std::size_t remaining() const { return rest_.size() + pending_bits_ / 8; }

  template <class T>
  requires std::is_arithmetic_v<T> T get() {
    T value;
    std::memcpy(&value, take_bytes(sizeof value), sizeof value);
    return value;
  }

  /// The next `count` values, valid as long as the payload.
  template <class T>
  requires std::is_arithmetic_v<T> Values<T> take(std::uint64_t count) {
    if (count > remaining() / sizeof(T)) refuse(text(count, " values of ", sizeof(T), " bytes"));  // may overflow
    return Values<T>(take_bytes(count * sizeof(T)));
  }

  /// The next `size` bytes, valid as long as the payload.
  std::span<const std::uint8_t> take_span(std::size_t size) { return {take_bytes(size), size}; }
  /// All that is left.
  std::span<const std::uint8_t> take_rest() { return take_span(remaining()); }

  /// Mirrors Writer::put_bits.
  std::uint32_t get_bits(unsigned width) {
    detail::require_width(width);
    if (pending_bits_ < width) read_ahead(width);
    const auto value = static_cast<std::uint32_t>(pending_ & detail::lowest_bits(width));
    pending_ >>= width;
    pending_bits_ -= width;
    return value;
  }

  /// Ends a run of bit fields; the padding must be zero, so that equal content has equal bytes.
  void flush_bits() {
    give_back();
    if (pending_ != 0) throw Corrupt("padding bits are not zero");
    pending_bits_ = 0;
  }

  void finish() {
    give_back();
    if (pending_ != 0) throw Corrupt("padding bits are not zero");
    if (!rest_.empty()) throw Corrupt(text(rest_.size(), " bytes follow the end of the payload"));
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw Corrupt(text("the payload ends too early: ", expected, " expected, ", remaining(), " bytes left"));
  }
  /// Four bytes at a time, while there are as many.
  void read_ahead(unsigned width) {
    std::uint32_t word = 0;
    if (rest_.size() >= sizeof word) {
      std::memcpy(&word, rest_.data(), sizeof word);
      rest_ = rest_.subspan(sizeof word);
      pending_ |= std::uint64_t{word} << pending_bits_;
      pending_bits_ += 32;
      return;
    }
    for (; pending_bits_ < width; pending_bits_ += 8) {
      if (rest_.empty()) refuse("1 bytes");
      pending_ |= std::uint64_t{rest_.front()} << pending_bits_;
      rest_ = rest_.subspan(1);
    }
  }

  /// Whole bytes that were read ahead are read again.
  void give_back() {
    const std::size_t ahead = pending_bits_ / 8;
    rest_ = {rest_.data() - ahead, rest_.size() + ahead};
    pending_bits_ %= 8;
    pending_ &= detail::lowest_bits(pending_bits_);
  }

  const std::uint8_t* take_bytes(std::size_t size) {
    if (pending_bits_ >= 8) [[unlikely]]
      give_back();
    if (size > rest_.size()) refuse(text(size, " bytes"));
    const std::uint8_t* at = rest_.data();
    rest_ = rest_.subspan(size);
    return at;
  }

  std::span<const std::uint8_t> rest_;
  std::uint64_t pending_ = 0;
  unsigned pending_bits_ = 0;
};

}  // namespace tpc
