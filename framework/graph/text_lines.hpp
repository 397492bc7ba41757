// A text file, line by line, for readers that name the line in which something is wrong.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "failure.hpp"
#include "graph/graph.hpp"

namespace threepc::graph {

class TextLines {
 public:
  /// Throws Failure(Exit::data) if the file cannot be read.
  explicit TextLines(const std::string& file);

  /// The next line that is neither empty nor a comment (#); false at the end.
  bool next();
  const std::string& text() const { return text_; }
  std::size_t number() const { return number_; }

  /// "FILE:LINE: what is wrong".
  Failure fault(const std::string& what) const;

  /// `word` as the number of a node below `bound`. Throws fault().
  Node node(std::string_view word, Node bound) const;
  /// `word` as a finite number, zero or more. Throws fault().
  double weight(std::string_view word) const;

 private:
  std::string file_, text_;
  std::ifstream in_;
  std::size_t number_ = 0;
};

/// Words between spaces and tabs.
std::vector<std::string_view> words_of(std::string_view text);

/// Fields between commas, without spaces around them; quotes mean nothing.
std::vector<std::string_view> fields_of(std::string_view text);

}  // namespace threepc::graph
