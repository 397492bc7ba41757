// Two passes over the mapped file. The first checks every line and learns what only the whole file tells: the
// labels, d, and where each row starts. The second parses this part's rows again and stores them, so memory is
// proportional to the part, and many processes that read one file share its pages.
#include "libsvm.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <threepc/sdk/error.hpp>

namespace {

constexpr std::uint32_t largest_index = std::numeric_limits<std::uint32_t>::max() - 1;

/// A read-only view of a regular file; empty for an empty file.
class MappedFile {
 public:
  explicit MappedFile(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) refuse(file, std::strerror(errno));
    struct stat status {};
    const bool known = ::fstat(descriptor, &status) == 0;
    if (known && S_ISREG(status.st_mode) && status.st_size > 0)
      map(descriptor, static_cast<std::size_t>(status.st_size));
    const int reason = errno;
    ::close(descriptor);
    if (!known || data_ == MAP_FAILED) refuse(file, std::strerror(reason));
    if (!S_ISREG(status.st_mode)) refuse(file, "not a regular file");
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }

  std::string_view text() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void map(int descriptor, std::size_t size) {
    data_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    size_ = size;
  }
  [[noreturn]] static void refuse(const std::string& file, const char* reason) {
    throw tpc::Error(TPC_IO, tpc::text(file, ": cannot be read: ", reason));
  }

  void* data_ = nullptr;
  std::size_t size_ = 0;
};

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
  return error == std::errc{} && stop == end && std::isfinite(out);
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

/// The distinct labels of a file, of which there must be two.
class LabelPair {
 public:
  void add(const Place& place, double label) {
    if (count_ > 0 && label == low_) return;
    if (count_ > 1 && label == high_) return;
    if (count_ == 2) place.expected(tpc::text("one of the two labels ", low_, " and ", high_), tpc::text(label));
    (count_ == 0 ? low_ : high_) = label;
    if (++count_ == 2 && high_ < low_) std::swap(low_, high_);
  }

  void require_two(const std::string& file) const {
    if (count_ < 2) throw tpc::Corrupt(tpc::text(file, ": expected two distinct labels, seen only ", low_));
  }

  double sign(double label) const { return label == low_ ? -1 : 1; }

 private:
  double low_ = 0, high_ = 0;
  int count_ = 0;
};

struct Row {
  std::size_t offset, length;  // of its line in the file
  std::size_t line;            // from 1
};

/// What only the whole file tells.
struct Survey {
  std::vector<Row> rows;
  LabelPair labels;
  std::uint32_t largest = 0;
};

Survey survey(const std::string& file, std::string_view text, const Parser& parser) {
  Survey out;
  std::size_t number = 0;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t length = std::min(text.find('\n', offset), text.size()) - offset;
    ++number;
    double label = 0;
    const auto note_index = [&](const Entry& entry) { out.largest = std::max(out.largest, entry.index); };
    if (parser.parse(text.substr(offset, length), number, label, note_index)) {
      out.labels.add({&file, number}, label);
      out.rows.push_back({offset, length, number});
    }
    offset += length + 1;
  }
  return out;
}

void require_usable(const std::string& file, const Survey& seen, const LibsvmSelection& selection) {
  if (seen.rows.empty()) throw tpc::Corrupt(file + ": expected rows 'label index:value ...', seen none");
  seen.labels.require_two(file);
  if (seen.largest == 0 && !selection.features)
    throw tpc::Corrupt(file + ": expected at least one index:value, seen labels only");
  if (seen.rows.size() < selection.parts)
    throw tpc::Corrupt(tpc::text(file, ": expected at least one row for each of ", selection.parts, " workers, seen ",
                                 seen.rows.size(), " rows"));
}

LibsvmShard store(std::string_view text, const Parser& parser, const Survey& seen, const LibsvmSelection& selection) {
  const std::size_t rows = seen.rows.size() / selection.parts;
  LibsvmShard shard{.features = selection.features.value_or(seen.largest), .row_begin = {0}};
  for (std::size_t r = selection.part * rows; r < (selection.part + 1) * rows; ++r) {
    double label = 0;
    parser.parse(text.substr(seen.rows[r].offset, seen.rows[r].length), seen.rows[r].line, label,
                 [&](const Entry& entry) {
                   shard.columns.push_back(entry.index - 1);
                   shard.values.push_back(entry.value);
                 });
    shard.labels.push_back(seen.labels.sign(label));
    shard.row_begin.push_back(shard.columns.size());
  }
  return shard;
}

}  // namespace

LibsvmShard read_libsvm(const std::string& file, const LibsvmSelection& selection) {
  const MappedFile mapped(file);
  const Parser parser(file, selection.features.value_or(largest_index), selection.features.has_value());
  const Survey seen = survey(file, mapped.text(), parser);
  require_usable(file, seen, selection);
  return store(mapped.text(), parser, seen, selection);
}
