// Which coordinates a payload holds.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "gap_coder.hpp"

/// Positions of `count` out of `dim` coordinates, ascending, in a size that follows from the two. So does the form,
/// that of the fewest bits:
///
/// - nothing, if none or all are kept;
/// - a list: an index of ceil(log2 dim) bits each;
/// - a mask: one bit a coordinate;
/// - gaps: those between the positions or, if more than half are kept, between the others, as a GapEncoder writes them.
///
/// Lists and masks are bit fields, which may follow one another; gaps are whole bytes.
class Positions {
 public:
  /// What writing needs and may keep.
  struct Scratch {
    GapEncoder encoder;
    std::vector<std::uint32_t> others;
  };

  Positions(std::uint32_t count, std::uint32_t dim) : count_(count), dim_(dim), width_(tpc::index_bits(dim)) {
    if (count == 0 || count == dim) return;
    bits_ = std::uint64_t{count} * width_;
    form_ = Form::list;
    if (dim < bits_) bits_ = dim, form_ = Form::mask;
    if (marked() > 1) consider_gaps();
  }

  static std::uint64_t most_bytes(std::uint32_t dim) { return tpc::packed_bytes(dim, 1); }

  /// A bit field of so many bits, or so many whole bytes.
  bool packed() const { return form_ != Form::gaps; }
  std::uint64_t bits() const { return bits_; }

  void write(std::span<const std::uint32_t> indices, Scratch& scratch, tpc::Writer& out) const {
    if (form_ == Form::list)
      for (const std::uint32_t i : indices) out.put_bits(i, width_);
    else if (form_ == Form::mask)
      write_mask(indices, out);
    else if (form_ == Form::gaps)
      out.put(scratch.encoder.encode(*model_, complemented() ? others(indices, scratch) : indices));
  }

  /// Calls take(j, index) for the j-th position, j = 0 .. count - 1. Throws tpc::Corrupt for what no encoder writes: an
  /// index that is not above the one before or not below dim, a mask of another count, gaps that lead nowhere.
  template <class Take>
  void read(tpc::Reader& in, Take take) const {
    if (form_ == Form::list)
      read_list(in, take);
    else if (form_ == Form::mask)
      read_mask(in, take);
    else if (form_ == Form::gaps)
      complemented() ? read_others(in, take) : read_gaps(in, take);
    else
      for (std::uint32_t j = 0; j < count_; ++j) take(j, j);
  }

 private:
  enum class Form { none, list, mask, gaps };

  bool complemented() const { return count_ > dim_ - count_; }
  std::uint32_t marked() const { return complemented() ? dim_ - count_ : count_; }

  void consider_gaps() {
    auto model = std::make_shared<const GapModel>(dim_, marked());
    if (8 * model->bytes() >= bits_) return;
    bits_ = 8 * model->bytes();
    form_ = Form::gaps;
    model_ = std::move(model);
  }

  void write_mask(std::span<const std::uint32_t> indices, tpc::Writer& out) const {
    auto next = indices.begin();
    for (std::uint32_t i = 0; i < dim_; ++i) out.put_bits(next != indices.end() && *next == i ? ++next, 1 : 0, 1);
  }

  std::span<const std::uint32_t> others(std::span<const std::uint32_t> indices, Scratch& scratch) const {
    scratch.others.clear();
    std::uint32_t next = 0;
    for (const std::uint32_t i : indices) {
      for (; next < i; ++next) scratch.others.push_back(next);
      ++next;
    }
    for (; next < dim_; ++next) scratch.others.push_back(next);
    return scratch.others;
  }

  template <class Take>
  void read_list(tpc::Reader& in, Take& take) const {
    std::uint64_t next = 0;
    for (std::uint32_t j = 0; j < count_; ++j) {
      const std::uint32_t index = in.get_bits(width_);
      if (index < next || index >= dim_)
        throw tpc::Corrupt(tpc::text("index ", index, " is not in ", next, " .. ", dim_, " - 1"));
      take(j, index);
      next = std::uint64_t{index} + 1;
    }
  }

  template <class Take>
  void read_mask(tpc::Reader& in, Take& take) const {
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < dim_; ++i)
      if (in.get_bits(1) != 0 && found++ < count_) take(found - 1, i);
    if (found != count_) throw tpc::Corrupt(tpc::text(found, " positions are marked, not ", count_));
  }

  template <class Take>
  void read_gaps(tpc::Reader& in, Take& take) const {
    std::uint32_t j = 0;
    GapDecoder(*model_, in.take_span(model_->bytes())).decode(dim_, count_, [&](std::uint32_t i) { take(j++, i); });
  }

  template <class Take>
  void read_others(tpc::Reader& in, Take& take) const {
    std::uint32_t j = 0, next = 0;
    const auto take_until = [&](std::uint32_t end) {
      for (; next < end; ++next) take(j++, next);
      ++next;
    };
    GapDecoder(*model_, in.take_span(model_->bytes())).decode(dim_, dim_ - count_, take_until);
    take_until(dim_);
  }

  std::uint32_t count_;
  std::uint32_t dim_;
  unsigned width_;
  Form form_ = Form::none;
  std::uint64_t bits_ = 0;
  std::shared_ptr<const GapModel> model_;  // shared by copies
};
