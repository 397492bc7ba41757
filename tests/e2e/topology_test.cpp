// threepc topology: what it prints of graphs and trees, and what it says about bad input: golden/topology_errors.txt,
// as in golden_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const char* const links =
    "# "
    "measured\nfrom,to,latency,bandwidth\n0,1,0.01,1e8\n0,2,0.02,1e7\n0,3,0.03,5e6\n1,2,0.01,2e8\n1,3,0.05,1e6\n2,3,0."
    "01,1e7\n"
    "3,2,0.01,2e7\n";

json topology(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "topology");
  arguments.emplace_back("--json");
  const Result result = run_program(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return json::parse(result.out);
}

TEST(Topology, SimulatesTheReferencesRun) {
  const json schedule = topology({"simulate", "mst", "--graph", "er:12", "--seed", "1", "--algorithm", "randomized"});
  EXPECT_EQ(schedule,
            json::parse(R"({"n": 12, "edges": 30, "weight": 440.0, "phases": 9, "rounds": 2550, "max_awake": 145,
    "mean_awake": 123.25, "messages": 1681, "lost": 0})"));
  const json published = topology({"simulate", "mst", "--graph", "er:12", "--accounting", "published"});
  EXPECT_EQ(published["rounds"], 2791);
  EXPECT_EQ(published["max_awake"], 260);
  EXPECT_EQ(topology({"simulate", "mst", "--graph", "er:12", "--lean"})["max_awake"], 108);
}

double median(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

/// Of a file the graph stays and the coins change, so that every single run can be looked at alone.
TEST(Topology, RepeatedSimulationsHaveMeansOfMediansAndTheirErrors) {
  const Folder folder;
  const std::string file = folder.write("ring.txt", "0 1\n1 2\n2 3\n3 4\n4 5\n5 6\n6 7\n7 0\n");
  const auto rounds = [&](const char* seed) -> double {
    return topology({"simulate", "mst", "--graph", file, "--seed", seed})["rounds"];
  };
  const double a = median(rounds("5"), rounds("6"), rounds("7")), b = median(rounds("6"), rounds("7"), rounds("8"));
  const json many = topology({"simulate", "mst", "--graph", file, "--seed", "5", "--repeat", "2", "--coins", "3"});
  EXPECT_EQ(many["graphs"], 2);
  EXPECT_DOUBLE_EQ(many["rounds"]["mean"], (a + b) / 2);
  EXPECT_DOUBLE_EQ(many["rounds"]["standard_error"], std::abs(a - b) / 2);
  EXPECT_EQ(many["lost"], json::parse(R"({"mean": 0.0, "standard_error": 0.0})"));
}

TEST(Topology, RepeatedGeneratedGraphsAreDifferentOnes) {
  EXPECT_GT(topology({"simulate", "mst", "--graph", "er:12", "--repeat", "3"})["edges"]["standard_error"], 0);
}

TEST(Topology, EnergyIsReportedWhenACostIsGiven) {
  const json run = topology({"simulate", "mst", "--graph", "ring:9", "--awake-mj", "2"});
  EXPECT_EQ(run["max_energy_mj"], 2 * run["max_awake"].get<double>());
  EXPECT_NEAR(run["total_energy_mj"].get<double>(), 2 * 9 * run["mean_awake"].get<double>(), 1e-9);
}

TEST(Topology, TreesAreByWhatTheyAreFor) {
  const Folder folder;
  const std::string file = folder.write("links.csv", links);
  const json fast = topology({"mst", file, "--out", folder.path("tree.txt")});
  EXPECT_EQ(fast["weights"], "1/bandwidth");
  EXPECT_EQ(fast["slowest_link"], json::parse("[2, 3, 1e-7]"));  // the slower of both directions
  EXPECT_EQ(fast["edges"], json::parse("[[0, 1, 1e-8], [1, 2, 5e-9], [2, 3, 1e-7]]"));
  const json near = topology({"mst", file, "--objective", "depth"});
  EXPECT_EQ(near["weights"], "latency");
  EXPECT_EQ(near["depth"], 1);
  EXPECT_EQ(topology({"mst", file, "--objective", "depth", "--fan-out", "1", "--root", "3"})["fan_out"], 1);
  EXPECT_EQ(read_file(folder.path("tree.txt")),
            "# spanning tree of 4 members, objective slowest-link; weights are 1/bandwidth\n0 1 1e-08\n1 2 5e-09\n2 3 "
            "1e-07\n");
  EXPECT_EQ(topology({"show", folder.path("tree.txt")})["edges"], 3);
}

TEST(Topology, AMatrixIsReadAsTheTableIs) {
  const Folder folder;
  const std::string matrix = folder.write("matrix.csv", "0, 4, 2\n1, , 3\n2, , x");
  EXPECT_THAT(run_program({"topology", "mst", matrix}).err, Not(HasSubstr("'x'")));  // the diagonal is not looked at
  const std::string filled = folder.write("filled.csv", "0, 4, 2\n1, , 3\n2, , 0\n");
  const json tree = topology({"mst", filled, "--objective", "cost"});
  EXPECT_EQ(tree["edges"], json::parse("[[0, 2, 2.0], [1, 2, 3.0]]"));
  EXPECT_EQ(tree["total"], 5);
}

TEST(Topology, ShowDrawsWhateverAFileIsCalled) {
  const Folder folder;
  const std::string file = folder.write("a<b>&\"\xff.txt", "0 1\n1 2\n2 0\n");
  const json facts = topology({"show", file, "--svg", folder.path("a.svg")});
  EXPECT_EQ(facts["min_degree"], 2);
  EXPECT_NEAR(facts["spectral_gap"].get<double>(), 1, 1e-12);
  const std::string svg = read_file(folder.path("a.svg"));
  EXPECT_THAT(svg, HasSubstr("a&lt;b>&amp;\"\xef\xbf\xbd.txt: 3 nodes"));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
}

struct Case {
  const char* name;
  std::vector<std::string> arguments;  // of `threepc topology`
};

std::vector<Case> cases() {
  const auto simulate = [](const std::string& graph) {
    return std::vector<std::string>{"simulate", "mst", "--graph", graph};
  };
  return {
      {"no file of that name", simulate("nothing.txt")},
      {"a folder", simulate(".")},
      {"an empty graph", simulate("empty.txt")},
      {"a line that is no edge", simulate("words.txt")},
      {"a node that is no number", simulate("node.txt")},
      {"a node beyond all bounds", simulate("far.txt")},
      {"a loop", simulate("loop.txt")},
      {"an edge in both directions", simulate("twice.txt")},
      {"a negative weight", simulate("negative.txt")},
      {"a weight that is not a number", simulate("nan.txt")},
      {"an infinite weight", simulate("infinite.txt")},
      {"a graph in two parts", simulate("parts.txt")},
      {"a generator that does not exist", simulate("rin:12")},
      {"a generator without its size", simulate("ring:")},
      {"a generator with too many sizes", simulate("ring:3:4")},
      {"too many nodes", simulate("er:20000")},
      {"too few nodes", simulate("er:3")},
      {"a probability of NaN", simulate("er:10:nan")},
      {"a graph that is never connected", simulate("er:50:0.001")},
      {"an unknown algorithm", {"simulate", "mst", "--graph", "ring:9", "--algorithm", "deterministic"}},
      {"an unknown accounting", {"simulate", "mst", "--graph", "ring:9", "--accounting", "all"}},
      {"no graph", {"simulate", "mst"}},
      {"an unknown simulation", {"simulate", "mts"}},
      {"no file of links", {"mst", "nothing.csv"}},
      {"an empty file of links", {"mst", "empty.txt"}},
      {"a hole in the table", {"mst", "hole.csv"}},
      {"a field without a value in the table", {"mst", "field-hole.csv"}},
      {"a hole in the matrix", {"mst", "matrix-hole.csv"}},
      {"a short row in the matrix", {"mst", "short.csv"}},
      {"a missing row of the matrix", {"mst", "rows.csv"}},
      {"a negative cost", {"mst", "negative.csv"}},
      {"a cost of NaN", {"mst", "nan.csv"}},
      {"a bandwidth of zero", {"mst", "zero.csv"}},
      {"a link that is there twice", {"mst", "twice.csv"}},
      {"a member beyond all bounds", {"mst", "far.csv"}},
      {"a column that is not there", {"mst", "links.csv", "--objective", "cost"}},
      {"a table without 'to'", {"mst", "from.csv"}},
      {"fields that are missing", {"mst", "fields.csv"}},
      {"a root that does not exist", {"mst", "links.csv", "--root", "4"}},
      {"a bound on children without depth", {"mst", "links.csv", "--fan-out", "2"}},
      {"an unknown objective", {"mst", "links.csv", "--objective", "speed"}},
      {"a tree that cannot be written", {"mst", "links.csv", "--out", "nowhere/tree.txt"}},
      {"too many nodes to draw", {"show", "ring:1001", "--svg", "ring.svg"}},
  };
}

void write_files(const Folder& folder) {
  folder.write("empty.txt", "# nothing\n\n");
  folder.write("words.txt", "0 1 2\n0 1 2 3\n");
  folder.write("node.txt", "0 one 2\n");
  folder.write("far.txt", "0 1 2\n1 1000000 2\n");
  folder.write("loop.txt", "0 1 2\n3 3 1\n");
  folder.write("twice.txt", "0 1 2\n1 2 3\n1 0 2\n");
  folder.write("negative.txt", "0 1 -2\n");
  folder.write("nan.txt", "0 1 nan\n");
  folder.write("infinite.txt", "0 1 1e999\n");
  folder.write("parts.txt", "0 1 2\n2 3 1\n");
  folder.write("links.csv", links);
  folder.write("hole.csv", "from,to,cost\n0,1,2\n2,1,1\n3,0,1\n3,1,1\n3,2,1\n");
  folder.write("field-hole.csv", "from,to,cost\n0,1,2\n1,2,1\n0,2,\n");
  folder.write("matrix-hole.csv", "0,1,2\n1,0,\n2,,0\n");
  folder.write("short.csv", "0,1,2\n1,0\n2,1,0\n");
  folder.write("rows.csv", "0,1,2\n1,0,1\n");
  folder.write("negative.csv", "0,1\n-1,0\n");
  folder.write("nan.csv", "from,to,cost\n0,1,nan\n");
  folder.write("zero.csv", "from,to,bandwidth\n0,1,0\n");
  folder.write("twice.csv", "from,to,cost\n0,1,1\n0,1,2\n");
  folder.write("far.csv", "from,to,cost\n0,10000,1\n");
  folder.write("from.csv", "from,till,cost\n0,1,1\n");
  folder.write("fields.csv", "from,to,cost\n0,1\n");
}

std::string without(std::string text, const std::string& part) {
  for (std::size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
  return text;
}

/// Names of files become paths into the folder.
std::vector<std::string> in_folder(const Folder& folder, std::vector<std::string> arguments) {
  for (std::string& argument : arguments)
    if (argument == "." || argument.find(".txt") != std::string::npos || argument.find(".csv") != std::string::npos)
      argument = folder.path(argument);
  return arguments;
}

TEST(Topology, MessagesAboutBadInput) {
  const Folder folder;
  write_files(folder);
  std::string actual;
  for (const Case& item : cases()) {
    std::vector<std::string> arguments = in_folder(folder, item.arguments);
    arguments.insert(arguments.begin(), "topology");
    const Result result = run_program(arguments);
    actual += "# " + std::string(item.name) + ": exit " + std::to_string(result.exit_code) + "\n" + result.out +
              result.err + "\n";
  }
  actual = without(actual, folder.path(""));
  const std::string golden = std::string(THREEPC_TEST_SOURCES) + "/golden/topology_errors.txt";
  if (std::getenv("THREEPC_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << actual;
  EXPECT_EQ(actual, read_file(golden));
}

}  // namespace
}  // namespace threepc::test
