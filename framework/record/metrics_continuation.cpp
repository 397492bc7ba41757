#include "record/metrics_continuation.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <system_error>

#include "failure.hpp"
#include "record/durable_file.hpp"
#include "record/json.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

struct Line {
  std::string text;  // without its end
  std::uint64_t number = 0, end = 0;
  bool whole = true;  // it has an end
  std::optional<std::uint64_t> round;
};

std::optional<std::uint64_t> round_of(const std::string& text) {
  const Json json = parse_json(text);
  if (!json.is_object() || !json.contains("round") || !json["round"].is_number_unsigned()) return std::nullopt;
  return json["round"].get<std::uint64_t>();
}

void for_each_line(const std::string& file, const std::function<void(const Line&)>& look) {
  std::ifstream in(file, std::ios::binary);
  Line line;
  while (std::getline(in, line.text)) {
    line.whole = !in.eof();
    line.end += line.text.size() + (line.whole ? 1 : 0);
    ++line.number;
    line.round = line.whole ? round_of(line.text) : std::nullopt;
    look(line);
  }
}

/// Sorts the lines of a file into those that stay and others, in their order.
class Review {
 public:
  Review(const std::string& file, const ExpectedLines& expected) : file_(file), expected_(expected) {}

  bool keeps(const Line& line) {
    const bool readable = line.round && (!last_ || *line.round > *last_);
    if (!readable) return refuse(line);
    if (*line.round > expected_.last) return false;
    look_for_gap(line);
    last_ = line.round;
    size_ = line.end;
    return true;
  }

  /// To be called after the last line.
  Continuation result() {
    if (bad_ > 0)
      warn("line " + std::to_string(first_bad_) + (bad_ > 1 ? " and " + std::to_string(bad_ - 1) + " more" : "") +
           " cannot be read, or of no later round than those before");
    const std::string after = last_ ? "after the line of round " + std::to_string(*last_) : "from the beginning";
    if (!last_ || *last_ < expected_.last)
      warn("lines are missing " + after + " to round " + std::to_string(expected_.last));
    return {size_, warnings_};
  }

  bool damaged() const { return bad_ > 0; }

 private:
  /// The last line is torn whenever the end of a run came while it was written.
  bool refuse(const Line& line) {
    if (!line.whole) return false;
    if (bad_++ == 0) first_bad_ = line.number;
    return false;
  }

  void look_for_gap(const Line& line) {
    if (!last_ || *line.round - *last_ <= expected_.every || said_gap_) return;
    said_gap_ = true;
    warn("lines are missing before line " + std::to_string(line.number) + ", between the rounds " +
         std::to_string(*last_) + " and " + std::to_string(*line.round));
  }

  void warn(const std::string& text) { warnings_.push_back(file_ + ": " + text); }

  const std::string& file_;
  const ExpectedLines& expected_;
  std::optional<std::uint64_t> last_;
  std::uint64_t size_ = 0, bad_ = 0, first_bad_ = 0;
  bool said_gap_ = false;
  std::vector<std::string> warnings_;
};

/// A name that no earlier damage has.
std::string name_aside(const std::string& file) {
  std::string name = file + ".damaged";
  for (int i = 2; fs::exists(name); ++i) name = file + ".damaged-" + std::to_string(i);
  return name;
}

/// The file is never without its content: it gets a second name before the first is another's.
void keep_aside(const std::string& file, const std::string& aside) {
  std::error_code failed;
  fs::create_hard_link(file, aside, failed);
  if (failed) fs::copy_file(file, aside);
}

/// The lines to keep as a file of their own. Returns its size.
std::uint64_t rewrite(const std::string& file, const ExpectedLines& expected, const std::string& aside) {
  try {
    DurableFile out(file);
    Review review(file, expected);
    std::uint64_t size = 0;
    for_each_line(file, [&](const Line& line) {
      if (!review.keeps(line)) return;
      out.add((line.text + "\n").data(), line.text.size() + 1);
      size += line.text.size() + 1;
    });
    keep_aside(file, aside);
    out.commit();
    return size;
  } catch (const std::system_error& error) {
    throw Failure(Exit::unexpected,
                  file + ": cannot be written: " + error.code().message() + "; free the disk, then resume again");
  }
}

}  // namespace

Continuation continue_metrics(const std::string& file, const ExpectedLines& expected) {
  Review review(file, expected);
  for_each_line(file, [&](const Line& line) { review.keeps(line); });
  Continuation result = review.result();
  if (!review.damaged()) return result;
  const std::string aside = name_aside(file);
  result.size = rewrite(file, expected, aside);
  result.warnings.push_back(aside + ": the metrics as they were; " + file + " has all lines that can be read");
  return result;
}

}  // namespace threepc
