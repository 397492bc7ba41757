// Two passes over the text. The first checks every line and learns what only the whole file tells: the labels, d,
// and where each row starts. The second parses the rows of one worker again and stores them.
#include "libsvm.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <threepc/sdk/error.hpp>

#include "file_cache.hpp"

namespace {

constexpr std::uint32_t largest_index = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::uint32_t most_unforced = std::uint32_t{1} << 28;  // a larger d, 2 GiB a vector, is said and not a slip

/// A piece of the file for a message: short, and printable whatever the file holds.
std::string quoted(std::string_view token) {
  constexpr std::size_t longest = 40;
  std::string out(token.substr(0, longest));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return "'" + out + (token.size() > longest ? "...'" : "'");
}

/// Where the reader stands, for messages.
struct Place {
  const std::string* file;
  std::size_t line;

  [[noreturn]] void expected(const std::string& what, const std::string& seen) const {
    throw tpc::Corrupt(tpc::text(*file, ":", line, ": expected ", what, ", seen ", seen));
  }
};

/// "one of the two labels -1 and 1"
std::string enumerated(std::span<const double> labels) {
  constexpr std::size_t most = 8;
  if (labels.size() == 2) return tpc::text("one of the two labels ", labels[0], " and ", labels[1]);
  if (labels.size() > most) return tpc::text("one of the ", labels.size(), " labels");
  std::string out = "one of the labels";
  for (std::size_t i = 0; i < labels.size(); ++i) out += tpc::text(i == 0 ? " " : ", ", labels[i]);
  return out;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Removes and returns the next word of `line`; empty at its end.
std::string_view next_word(std::string_view& line) {
  const char* const end = line.data() + line.size();
  const char* const begin = std::find_if_not(line.data(), end, is_space);
  const char* const stop = std::find_if(begin, end, is_space);
  line = {stop, static_cast<std::size_t>(end - stop)};
  return {begin, static_cast<std::size_t>(stop - begin)};
}

/// The whole of `word` as a finite number, with an optional '+'; false for anything else.
bool to_number(std::string_view word, double& out) {
  const char* const end = word.data() + word.size();
  const char* begin = word.data();
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') ++begin;
  const auto [stop, error] = std::from_chars(begin, end, out);
  if (error == std::errc::result_out_of_range && stop == end)  // 1e-400 as well as 1e400
    out = std::strtod(std::string(begin, end).c_str(), nullptr);
  else if (error != std::errc{})
    return false;
  return stop == end && std::isfinite(out);
}

struct Entry {
  std::uint32_t index;  // from 1
  double value;
};

class Parser {
 public:
  Parser(const std::string& file, std::uint32_t index_limit, bool limit_is_forced)
      : file_(&file), index_limit_(index_limit), limit_is_forced_(limit_is_forced) {}

  /// Parses one line: false for a blank one, otherwise its label, and each entry through `take`.
  template <class Take>
  bool parse(std::string_view line, std::size_t number, double& label, Take take) const {
    const Place place{file_, number};
    line = line.substr(0, line.find('#'));
    const std::string_view first = next_word(line);
    if (first.empty()) return false;
    label = parse_label(place, first);
    std::uint32_t previous = 0;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      const Entry entry = parse_entry(place, word, previous);
      take(entry);
      previous = entry.index;
    }
    return true;
  }

 private:
  static double parse_label(const Place& place, std::string_view word) {
    double label = 0;
    if (word.find(':') != word.npos) place.expected("a label before the first index:value", quoted(word));
    if (!to_number(word, label)) place.expected("a finite number as the label", quoted(word));
    return label;
  }

  Entry parse_entry(const Place& place, std::string_view word, std::uint32_t previous) const {
    const char* const end = word.data() + word.size();
    std::uint64_t index = 0;
    const auto [stop, error] = std::from_chars(word.data(), end, index);
    if (word.starts_with("qid:"))
      place.expected("index:value", quoted(word) +
                                        ", a query of ranking data, which no problem here uses; remove them: "
                                        "sed 's/ qid:[^ ]*//'");
    if (stop == word.data() || stop == end || *stop != ':') place.expected("index:value", quoted(word));
    if (index == 0 && error == std::errc{}) place.expected("an index from 1 on", quoted(word));
    if (error != std::errc{} || index > index_limit_) place.expected(limit_text(), quoted(word));
    if (index <= previous) place.expected(tpc::text("an index above the one before it, ", previous), quoted(word));
    Entry entry{static_cast<std::uint32_t>(index), 0};
    const std::string_view value(stop + 1, static_cast<std::size_t>(end - stop - 1));
    if (!to_number(value, entry.value)) place.expected("a finite number after the colon", quoted(word));
    return entry;
  }

  std::string limit_text() const {
    return tpc::text("an index up to ", limit_is_forced_ ? "features = " : "", index_limit_);
  }

  const std::string* file_;
  std::uint32_t index_limit_;
  bool limit_is_forced_;
};

}  // namespace

LibsvmFile::LibsvmFile(const std::string& file, std::optional<std::uint32_t> features)
    : name_(file),
      text_(file),
      digest_(text_.digest()),
      limit_(features.value_or(largest_index)),
      limit_is_forced_(features.has_value()) {
  const Parser parser(name_, limit_, limit_is_forced_);
  const std::string_view text = text_.text();
  std::size_t number = 0;
  std::uint32_t largest = 0;
  std::size_t line_of_largest = 0;
  double norm_sq = 0;  // of the row at hand
  const auto note = [&](const Entry& entry) {
    norm_sq += entry.value * entry.value;
    if (entry.index > largest) line_of_largest = number;
    largest = std::max(largest, entry.index);
  };
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t length = std::min(text.find('\n', offset), text.size()) - offset;
    double label = norm_sq = 0;
    if (parser.parse(text.substr(offset, length), ++number, label, note)) {
      if (!std::isfinite(norm_sq))
        Place{&name_, number}.expected("a row whose squares have a finite sum, as its curvature does",
                                       "values that are too large for that; scale the data");
      labels_.push_back(label);
      lines_.push_back({offset, length, number});
    }
    offset += length + 1;
  }
  features_ = features.value_or(largest);
  if (!features && features_ > most_unforced)
    throw tpc::Corrupt(tpc::text(file, ":", line_of_largest, ": expected an index up to ", most_unforced, ", seen ",
                                 features_, ": every vector of the run would take ", features_ / (1 << 27),
                                 " GiB; mend the line if it is a slip, or say features = ", features_));
  if (lines_.empty()) throw tpc::Corrupt(file + ": expected rows 'label index:value ...', seen none");
  if (features_ == 0) throw tpc::Corrupt(file + ": expected at least one index:value, seen labels only");
}

std::shared_ptr<const LibsvmFile> LibsvmFile::open(const std::string& file, std::optional<std::uint32_t> features) {
  static FileCache<LibsvmFile> cache;
  const std::uint32_t unforced = 0;
  return cache.get(file, features.value_or(unforced),
                   [&] { return std::make_shared<const LibsvmFile>(file, features); });
}

template <class Take>
void LibsvmFile::parse_row(std::size_t r, Take take) const {
  double label = 0;
  const Line& line = lines_[r];
  Parser(name_, limit_, limit_is_forced_)
      .parse(text_.text().substr(line.offset, line.length), line.number, label, take);
}

CompressedRows LibsvmFile::rows(std::span<const std::uint32_t> which) const {
  CompressedRows out;
  for (const std::uint32_t r : which) {
    parse_row(r, [&](const Entry& entry) {
      out.columns.push_back(entry.index - 1);
      out.values.push_back(entry.value);
    });
    out.row_begin.push_back(out.columns.size());
  }
  return out;
}

const std::vector<double>& LibsvmFile::largest_values() const {
  std::call_once(largest_once_, [&] {
    largest_values_.resize(features_);
    for (std::size_t r = 0; r < lines_.size(); ++r)
      parse_row(r, [&](const Entry& entry) {
        double& largest = largest_values_[entry.index - 1];
        largest = std::max(largest, std::abs(entry.value));
      });
  });
  return largest_values_;
}

std::vector<double> LibsvmFile::classes() const {
  std::vector<double> out = labels_;
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() < 2) refuse_single_label();
  return out;
}

std::vector<double> LibsvmFile::two_classes() const {
  const double first = labels_.front();
  const auto second = std::find_if(labels_.begin(), labels_.end(), [&](double label) { return label != first; });
  if (second == labels_.end()) refuse_single_label();
  return {std::min(first, *second), std::max(first, *second)};
}

void LibsvmFile::refuse_single_label() const {
  throw tpc::Corrupt(tpc::text(name_, ": expected two distinct labels, seen only ", labels_.front(),
                               "; if other workers have the others, name all of them: labels = [-1, 1]"));
}

std::vector<std::uint32_t> LibsvmFile::class_of_rows(std::span<const double> classes) const {
  std::vector<std::pair<double, std::uint32_t>> sorted;
  for (const double label : classes) sorted.emplace_back(label, static_cast<std::uint32_t>(sorted.size()));
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::uint32_t> out;
  for (std::size_t r = 0; r < labels_.size(); ++r) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), std::pair(labels_[r], std::uint32_t{0}));
    if (at == sorted.end() || at->first != labels_[r])
      Place{&name_, lines_[r].number}.expected(enumerated(classes), tpc::text(labels_[r]));
    out.push_back(at->second);
  }
  return out;
}
