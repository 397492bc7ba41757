// The numbers of all rows, in place of a list of some.
#pragma once

#include <cstdint>

/// 0, 1, ..., size - 1. std::views::iota says the same, but not to clang 14 with the standard library of g++ 12.
class AllRows {
 public:
  class Iterator {
   public:
    explicit Iterator(std::uint64_t at) : at_(at) {}
    std::uint64_t operator*() const { return at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    std::uint64_t at_;
  };

  explicit AllRows(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const { return size_; }
  std::uint64_t operator[](std::uint64_t i) const { return i; }
  Iterator begin() const { return Iterator(0); }
  Iterator end() const { return Iterator(size_); }

 private:
  std::uint64_t size_;
};
