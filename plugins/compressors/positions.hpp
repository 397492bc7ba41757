// Which coordinates a payload holds: a list of indices or one bit a coordinate, whichever is shorter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>

/// Calls take(j, index) for j = 0 .. count - 1 with the indices that a list holds. Throws tpc::Corrupt for one that is
/// not above the one before or not below dim: no encoder writes it, and a coordinate counts once.
template <class Take>
void read_ascending(tpc::Reader& in, std::uint32_t count, std::uint32_t dim, Take take) {
  const unsigned width = tpc::index_bits(dim);
  std::uint64_t next = 0;
  for (std::uint32_t j = 0; j < count; ++j) {
    const std::uint32_t index = in.get_bits(width);
    if (index < next || index >= dim)
      throw tpc::Corrupt(tpc::text("index ", index, " is not in ", next, " .. ", dim, " - 1"));
    take(j, index);
    next = std::uint64_t{index} + 1;
  }
}

/// Positions of `count` out of `dim` coordinates, ascending. The form follows from count and dim, so no bit says it.
class Positions {
 public:
  Positions(std::uint32_t count, std::uint32_t dim) : count_(count), dim_(dim), width_(tpc::index_bits(dim)) {}

  static std::uint64_t bytes(std::uint32_t count, std::uint32_t dim) {
    return (std::min(std::uint64_t{count} * tpc::index_bits(dim), std::uint64_t{dim}) + 7) / 8;
  }

  void write(std::span<const std::uint32_t> indices, tpc::Writer& out) const {
    if (listed()) {
      for (const std::uint32_t i : indices) out.put_bits(i, width_);
    } else {
      auto next = indices.begin();
      for (std::uint32_t i = 0; i < dim_; ++i) out.put_bits(next != indices.end() && *next == i ? ++next, 1 : 0, 1);
    }
    out.flush_bits();
  }

  /// Calls take(j, index) for the j-th position, j = 0 .. count - 1. Throws tpc::Corrupt for an index that is not
  /// above the one before or not below dim, and for a mask of another count.
  template <class Take>
  void read(tpc::Reader& in, Take take) const {
    listed() ? read_ascending(in, count_, dim_, take) : read_mask(in, take);
    in.flush_bits();
  }

 private:
  bool listed() const { return std::uint64_t{count_} * width_ <= dim_; }

  template <class Take>
  void read_mask(tpc::Reader& in, Take take) const {
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < dim_; ++i)
      if (in.get_bits(1) != 0 && found++ < count_) take(found - 1, i);
    if (found != count_) throw tpc::Corrupt(tpc::text(found, " positions are marked, not ", count_));
  }

  std::uint32_t count_;
  std::uint32_t dim_;
  unsigned width_;
};
