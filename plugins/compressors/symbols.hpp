// Symbols of an alphabet whose size is no power of two, packed almost without waste.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <threepc/sdk.hpp>

/// Symbols 0 .. base-1 in groups: as many as 32 bits can hold are the digits of one number to that base, lowest
/// first, written with as many bits as the largest such number has. Ternary symbols take 32 bits for 20 of them,
/// as dense as five in a byte. The last group holds the rest and is as much narrower.
class Symbols {
 public:
  explicit Symbols(std::uint32_t base) : base_(base), width_{} {
    for (std::uint64_t power = base; power <= std::uint64_t{1} << 32; power *= base)
      width_[++per_group_] = static_cast<unsigned>(std::bit_width(power - 1));
  }

  std::uint64_t bytes(std::uint32_t count) const {
    return (std::uint64_t{count / per_group_} * width_[per_group_] + width_[count % per_group_] + 7) / 8;
  }

  /// Writes symbol(0) .. symbol(count - 1), called in this order.
  template <class Symbol>
  void write(std::uint32_t count, tpc::Writer& out, Symbol symbol) const {
    for (std::uint32_t begin = 0; begin < count; begin += per_group_) {
      const std::uint32_t size = std::min(per_group_, count - begin);
      std::uint64_t group = 0, power = 1;
      for (std::uint32_t i = begin; i < begin + size; ++i, power *= base_) group += power * symbol(i);
      out.put_bits(static_cast<std::uint32_t>(group), width_[size]);
    }
    out.flush_bits();
  }

  /// Calls take(i, symbol) for i = 0 .. count - 1. Throws tpc::Corrupt for a group that no symbols make.
  template <class Take>
  void read(std::uint32_t count, tpc::Reader& in, Take take) const {
    for (std::uint32_t begin = 0; begin < count; begin += per_group_) {
      const std::uint32_t size = std::min(per_group_, count - begin);
      std::uint32_t group = in.get_bits(width_[size]);
      for (std::uint32_t i = begin; i < begin + size; ++i, group /= base_) take(i, group % base_);
      if (group != 0) throw tpc::Corrupt(tpc::text("symbol ", begin, " belongs to no alphabet of ", base_));
    }
    in.flush_bits();
  }

 private:
  std::uint32_t base_;  // >= 2
  std::uint32_t per_group_ = 0;
  unsigned width_[33];  // in bits, by the number of symbols in a group
};
