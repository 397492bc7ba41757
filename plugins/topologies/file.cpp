// A directed graph from a file.
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <threepc/sdk.hpp>
#include <utility>

namespace {

struct FileOptions {
  tpc::Path file;
  bool both_ways = false;
};

/// One line of the file, with its place for whoever made a mistake in it.
class Line {
 public:
  Line(const std::string& text, std::string place, std::uint32_t workers, bool costs)
      : words_(text.substr(0, text.find('#'))), place_(std::move(place)), workers_(workers), costs_(costs) {}

  /// False: nothing is on it.
  bool read(tpc::Link& link) {
    std::string first;
    if (!(words_ >> first)) return false;
    link.from = worker(first);
    link.to = worker(next("FROM TO, or FROM TO WEIGHT"));
    if (std::string third; words_ >> third && !costs_) link.weight = number(third);
    if (std::string more; words_ >> more) fail("FROM TO, or FROM TO WEIGHT", "'" + more + "' behind it");
    if (link.from == link.to) fail("two workers", "a link of worker " + first + " to itself, which needs none");
    return true;
  }

  [[noreturn]] void fail(const std::string& expected, const std::string& seen) const {
    throw tpc::Corrupt(tpc::text(place_, ": expected ", expected, ", got ", seen));
  }

 private:
  std::string next(const char* expected) {
    std::string word;
    if (!(words_ >> word)) fail(expected, "the end of the line");
    return word;
  }

  std::uint32_t worker(const std::string& word) const {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value >= workers_)
      fail(tpc::text("a worker, 0 to ", workers_ - 1), "'" + word + "'");
    return value;
  }

  double number(const std::string& word) const {
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || !(value > 0 && value <= 1))
      fail("a weight, above 0 and at most 1", "'" + word + "'");
    return value;
  }

  std::istringstream words_;
  std::string place_;
  std::uint32_t workers_;
  bool costs_;  // a third number on the line is one, and says nothing here
};

class FileGraph {
 public:
  static constexpr tpc::About about = {
      .id = "file",
      .version = "1.0.0",
      .summary = "Links from a text file, a line each: FROM TO, or FROM TO WEIGHT; workers count from 0."};
  static constexpr auto params = tpc::params(
      tpc::param<&FileOptions::file>("file", "lines FROM TO or FROM TO WEIGHT; # begins a comment", {.required = true}),
      tpc::param<&FileOptions::both_ways>("both_ways",
                                          "each line is a link both ways, and a third number on it a cost, no weight: "
                                          "the trees that threepc topology mst writes"));

  FileGraph(const FileOptions& options, const tpc::Setup& setup) : both_ways_(options.both_ways) {
    const std::string name(options.file.file);
    std::ifstream in(name);
    if (!in) throw tpc::Error(TPC_IO, name + ": cannot be read");
    std::string text;
    for (std::uint64_t number = 1; std::getline(in, text); ++number)
      add(Line(text, tpc::text(name, ":", number), setup.workers(), both_ways_));
  }

  std::vector<tpc::Link> links() const { return links_; }

 private:
  void add(Line line) {
    tpc::Link link;
    if (!line.read(link)) return;
    add(link, line);
    if (both_ways_) add({link.to, link.from}, line);
  }

  void add(const tpc::Link& link, const Line& line) {
    if (!seen_.emplace(link.from, link.to).second)
      line.fail("each link once", tpc::text("the link from ", link.from, " to ", link.to, " again"));
    const bool weighted = link.weight == link.weight;
    if (!links_.empty() && weighted != (links_.front().weight == links_.front().weight))
      line.fail("a weight on every line or on none", weighted ? "one" : "none");
    links_.push_back(link);
  }

  bool both_ways_;
  std::vector<tpc::Link> links_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<FileGraph>);
