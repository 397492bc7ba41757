// Lines of numbers, as graphs, partitions and weights are written: words apart by blanks, # begins a comment.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <threepc/sdk/error.hpp>
#include <vector>

#include "file_text.hpp"

/// One line that holds something, with its place for whoever made a mistake in it.
class TextLine {
 public:
  TextLine(const std::string& file, std::uint64_t number, std::string_view text) : file_(&file), number_(number) {
    text = text.substr(0, text.find('#'));
    for (std::size_t at = text.find_first_not_of(blanks); at < text.size(); at = text.find_first_not_of(blanks, at)) {
      const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
      words_.push_back(text.substr(at, end - at));
      at = end;
    }
  }

  std::size_t size() const { return words_.size(); }
  std::string_view operator[](std::size_t i) const { return words_[i]; }

  /// Throws TPC_CORRUPT unless the line has so many words.
  void require(std::size_t size, const char* expected) const {
    if (words_.size() != size) fail(expected, tpc::text(words_.size(), words_.size() == 1 ? " word" : " words"));
  }
  /// Word i as a whole number below `end`. Throws TPC_CORRUPT, which names `what` it is.
  std::uint32_t below(std::size_t i, std::uint32_t end, const char* what) const {
    std::uint32_t value = 0;
    const auto [last, error] = std::from_chars(words_[i].data(), words_[i].data() + words_[i].size(), value);
    if (error != std::errc() || last != words_[i].data() + words_[i].size() || value >= end)
      fail(tpc::text(what, ", 0 to ", end - 1), tpc::text("'", words_[i], "'"));
    return value;
  }

  /// Word i as a finite real. Throws TPC_CORRUPT.
  double real(std::size_t i) const {
    double value = 0;
    const auto [last, error] = std::from_chars(words_[i].data(), words_[i].data() + words_[i].size(), value);
    if (error != std::errc() || last != words_[i].data() + words_[i].size() || !std::isfinite(value))
      fail("a finite number", tpc::text("'", words_[i], "'"));
    return value;
  }

  [[noreturn]] void fail(std::string_view expected, std::string_view seen) const {
    throw tpc::Corrupt(tpc::text(*file_, ":", number_, ": expected ", expected, ", seen ", seen));
  }

 private:
  static constexpr std::string_view blanks = " \t\r";

  const std::string* file_;
  std::uint64_t number_;
  std::vector<std::string_view> words_;
};

/// take(line) for each line that holds something. Throws tpc::Error with TPC_IO, and what `take` throws.
template <class Take>
void for_each_line(const std::string& file, std::string_view text, Take take) {
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const TextLine line(file, number, text.substr(0, end));
    if (line.size() > 0) take(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

/// All numbers of a file, however they are broken into lines. Throws tpc::Error with TPC_IO or TPC_CORRUPT.
inline std::vector<double> read_reals(const std::string& file) {
  std::vector<double> out;
  const FileText text(file);
  for_each_line(file, text.text(), [&](const TextLine& line) {
    for (std::size_t i = 0; i < line.size(); ++i) out.push_back(line.real(i));
  });
  return out;
}
