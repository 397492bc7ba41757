#include "graph/text_lines.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>

namespace threepc::graph {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::size_t shown_of_a_word = 40;

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(blanks);
  return from == text.npos ? "" : text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

std::string quoted(std::string_view word) {
  const bool cut = word.size() > shown_of_a_word;
  return "'" + std::string(word.substr(0, shown_of_a_word)) + (cut ? "...'" : "'");
}

template <class Number>
bool parse(std::string_view word, Number& value) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size();
}

}  // namespace

TextLines::TextLines(const std::string& file) : file_(file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) throw Failure(Exit::data, file + ": is a folder, not a file");
  errno = 0;
  in_.open(file);
  if (in_) return;
  throw Failure(Exit::data, errno == ENOENT ? "there is no file '" + file + "'"
                                            : file + ": cannot be read: " + std::generic_category().message(errno));
}

bool TextLines::next() {
  while (std::getline(in_, text_)) {
    ++number_;
    const std::string_view content = trimmed(text_);
    if (!content.empty() && content.front() != '#') return true;
  }
  if (in_.bad()) throw Failure(Exit::data, file_ + ": cannot be read beyond line " + std::to_string(number_));
  return false;
}

Failure TextLines::fault(const std::string& what) const {
  return {Exit::data, file_ + ":" + std::to_string(number_) + ": " + what};
}

Node TextLines::node(std::string_view word, Node bound) const {
  Node value = 0;
  if (parse(word, value) && value < bound) return value;
  throw fault("expected the number of a node, 0 to " + std::to_string(bound - 1) + ", got " + quoted(word));
}

double TextLines::weight(std::string_view word) const {
  double value = 0;
  if (parse(word, value) && std::isfinite(value) && value >= 0) return value;
  throw fault("expected a finite number that is not negative, got " + quoted(word));
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t from = 0; (from = text.find_first_not_of(blanks, from)) != text.npos;) {
    const std::size_t to = std::min(text.find_first_of(blanks, from), text.size());
    words.push_back(text.substr(from, to - from));
    from = to;
  }
  return words;
}

std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> fields;
  for (std::size_t from = 0, to; from <= text.size(); from = to + 1) {
    to = std::min(text.find(',', from), text.size());
    fields.push_back(trimmed(text.substr(from, to - from)));
  }
  return fields;
}

}  // namespace threepc::graph
