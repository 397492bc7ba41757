// Graph networks whose nodes are split over workers: against an independent implementation, on every transport, after
// kill and resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "graph/splitmix64.hpp"
#include "training.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string reference = std::string(THREEPC_TEST_SOURCES) + "/reference/gcn.json";

class Gcn : public Training {
 protected:
  Gcn()
      : Training(
            "[run]\nrounds = 60\nevaluate_every = 10\n[workers]\ncount = 4\n"
            "[problem]\nplugin = \"gcn\"\nnodes = 80\nwords = 20\nhidden = 4\n"
            "[mechanism]\nplugin = \"ef21\"\n"
            "compressor = {plugin = \"topk\", k = 10}\n"
            "[optimizer]\nplugin = \"gd\"\nstepsize = 0.5\n") {}
};

/// In a star, and on graphs with methods that want their gradients at different times.
const std::vector<Set> methods = {
    {},
    {"topology={plugin=\"ring\"}", "optimizer={plugin=\"atc\",stepsize=0.3}"},
    {"topology={plugin=\"random\"}", "optimizer={plugin=\"push-diging\",stepsize=0.05}"},
    {"topology={plugin=\"random\",weights=\"out-degree\"}", "optimizer={plugin=\"push-sum\",stepsize=0.05}"}};

Set with(Set base, const Set& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

TEST_F(Gcn, HasTheSameBitsOnEveryTransport) {
  for (const Set& method : methods) {
    const json expected = summary("inproc", method);
    for (const char* transport : {"tcp", "shm"}) {
      const json seen = summary(transport, with(method, {std::string("transport.plugin=") + transport}));
      for (const char* key : {"x_hash", "f", "metrics", "exchange_bits_per_worker", "uplink_bits_per_worker"})
        EXPECT_EQ(seen[key], expected[key]) << transport << " " << key << " " << method.size();
    }
  }
}

class GcnMethods : public Gcn, public testing::WithParamInterface<std::size_t> {
 protected:
  const Set& method() const { return methods[GetParam()]; }
};
INSTANTIATE_TEST_SUITE_P(All, GcnMethods, testing::Range<std::size_t>(0, 4));

TEST_P(GcnMethods, HasTheSameBitsAfterWorkersWereKilled) {
  const json expected = summary("whole", method());
  for (const char* faults : {R"([{kind="kill",worker=2,round=30,when="receive"}])",
                             R"([{kind="kill",worker=3,round=30,when="send"},{kind="kill",worker=0,round=10}])",
                             R"([{kind="corrupt",worker=2,round=20},{kind="drop",worker=1,round=40}])"}) {
    const json seen = summary("killed", with(method(), {"transport.plugin=tcp", "transport.timeout=3",
                                                        std::string("faults.inject=") + faults}));
    for (const char* key : {"x_hash", "metrics", "exchange_bits_per_worker"})
      EXPECT_EQ(seen[key], expected[key]) << faults;
    EXPECT_GE(seen["worker_losses"], 1) << faults;
  }
}

TEST_P(GcnMethods, HasTheSameBitsAfterAResume) {
  const Set base = with(method(), {"mechanism.momentum=0.5"});
  const json expected = summary("whole", base);
  summary("half", with(base, {"run.rounds=25"}));
  const Result result = run_program({"run", "--resume", folder_.path("half"), "--set", "run.rounds=60", "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json resumed = read_summary(folder_.path("half"));
  for (const char* key : {"x_hash", "f", "metrics", "exchange_bits_per_worker"})
    EXPECT_EQ(resumed[key], expected[key]) << key;
}

/// However many workers there are, and however nodes are split, they compute the gradient of one f.
TEST_F(Gcn, OfManyWorkersIsTheGcnOfOne) {
  const Set whole = {"mechanism={plugin=\"gd\"}", "run.rounds=20"};
  Set alone = whole;
  alone.push_back("workers.count=1");
  const json expected = summary("alone", alone);
  EXPECT_EQ(expected["exchange_bits_per_worker"], 0);
  for (const char* partition : {"bfs", "contiguous"}) {
    Set set = whole;
    set.push_back(std::string("problem.partition=") + partition);
    const json seen = summary("split", set);
    for (const char* key : {"f", "grad_norm_sq"})
      EXPECT_NEAR(seen[key].get<double>(), expected[key].get<double>(), 1e-12 * expected[key].get<double>()) << key;
    EXPECT_EQ(seen["metrics"], expected["metrics"]);
  }
}

/// f falls along its gradient as fast as its square says, to second order.
TEST_F(Gcn, ReportsTheGradientOfF) {
  const auto ends = [&](const char* stepsize) {
    summary("short", {"mechanism={plugin=\"gd\"}", "run.rounds=1", "run.evaluate_every=1", "problem.l2=0.01",
                      std::string("optimizer.stepsize=") + stepsize});
    return read_metrics(folder_.path("short"));
  };
  const auto slope = [&](const std::vector<json>& lines, double step) {
    return (lines[0]["f"].get<double>() - lines[1]["f"].get<double>()) / step;
  };
  const std::vector<json> one = ends("2e-3"), two = ends("1e-3");
  const double extrapolated = 2 * slope(two, 1e-3) - slope(one, 2e-3);
  EXPECT_NEAR(extrapolated, one[0]["grad_norm_sq"].get<double>(), 1e-4 * one[0]["grad_norm_sq"].get<double>());
}

TEST_F(Gcn, IsRefusedWhereAWorkerCouldBeMissing) {
  EXPECT_THAT(refusal({"workers.participation=0.5"}), HasSubstr("with the problem 'gcn' every worker takes part"));
  EXPECT_THAT(refusal({"faults.on_worker_loss=lazy"}), HasSubstr("use \"wait\" or \"stop\" with the problem 'gcn'"));
  EXPECT_THAT(refusal({"faults.round_deadline=1"}), HasSubstr("everybody is waited for"));
  EXPECT_THAT(refusal({"workers.batch=4"}), HasSubstr("has no rows to draw minibatches from"));
  EXPECT_THAT(refusal({"optimizer.stepsize=theory"}), HasSubstr("stepsize"));
  EXPECT_THAT(refusal({"workers.count=100"}), HasSubstr("has 80 nodes, fewer than the 100 workers"));
}

TEST_F(Gcn, OfFilesIsToldWhichLineIsWrong) {
  const std::string features = folder_.write("graph.svm", "0 1:1\n1 2:1\n1 1:1\n");
  const auto with = [&](const std::string& edges, const std::string& more = "") {
    return Set{"problem={plugin=\"gcn\",graph=\"" + folder_.write("graph.edges", edges) + "\",features=\"" + features +
                   "\",train=2" + more + "}",
               "workers.count=2", "mechanism={plugin=\"gd\"}"};
  };
  EXPECT_THAT(refusal(with("0 1\n1 7\n"), 6), HasSubstr("graph.edges:2: expected a node, 0 to 2, seen '7'"));
  EXPECT_THAT(refusal(with("# edges\n0\n"), 6), HasSubstr("graph.edges:2: expected an edge, U V, seen 1 word"));
  EXPECT_THAT(refusal(with("0 one\n"), 6), HasSubstr("seen 'one'"));
  EXPECT_THAT(refusal(with("0 1\n", ",partition=\"file\"")), HasSubstr("give both or none"));
  const std::string owners = folder_.write("owners", "0 0 0\n"), weights = folder_.write("weights", "1 2 3\n");
  EXPECT_THAT(refusal(with("0 1\n", ",partition=\"file\",owners=\"" + owners + "\""), 6),
              HasSubstr("worker 1 has no node"));
  EXPECT_THAT(refusal(with("0 1\n", ",hidden=2,weights=\"" + weights + "\""), 6), HasSubstr("expected 8 numbers"));
  EXPECT_EQ(summary("good", with("0 1\n1 0\n2 2\n"))["stopped_by"], "rounds");
}

// ---- against the reference

/// What a case of the table is about, as the files of a user.
class Case {
 public:
  Case(const Folder& folder, const json& entry)
      : folder_(&folder), entry_(entry), hidden_(entry["hidden"]), features_(entry["features"]) {
    if (entry.contains("generator"))
      generate(entry["generator"]);
    else
      take_listed();
    write("edges", edges_), write("svm", rows_), write("train", train()), write("weights", start());
    write("owners", owners());
  }

  std::string problem() const {
    const auto file = [&](const char* name) { return "\"" + folder_->path(name) + "\""; };
    return "plugin = \"gcn\"\ngraph = " + file("edges") + "\nfeatures = " + file("svm") +
           "\npartition = \"file\"\nowners = " + file("owners") + "\ntrain_nodes = " + file("train") +
           "\nweights = " + file("weights") + "\nhidden = " + std::to_string(hidden_) +
           "\nl2 = " + entry_["l2"].dump() + "\n";
  }

 private:
  void write(const char* name, const std::string& text) const { folder_->write(name, text); }

  void take_listed() {
    for (const json& edge : entry_["edge_list"]) edges_ += edge[0].dump() + " " + edge[1].dump() + "\n";
    int node = 0;
    for (const json& label : entry_["labels"]) rows_ += label.dump() + " " + std::to_string(++node) + ":1\n";
  }

  /// planted() of the reference: labels, edges, words.
  void generate(const json& g) {
    graph::SplitMix64 random(g["seed"]);
    const int n = g["n"], classes = g["classes"], words = g["words"];
    std::vector<int> labels;
    for (int v = 0; v < n; ++v) labels.push_back(static_cast<int>(random.below(static_cast<std::uint64_t>(classes))));
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j)
        if (random.uniform() < g[labels[i] == labels[j] ? "p_in" : "p_out"].get<double>())
          edges_ += std::to_string(i) + " " + std::to_string(j) + "\n";
    for (int v = 0; v < n; ++v) {
      std::vector<int> held;
      for (int word = 0; word < words; ++word)
        if (random.uniform() < g[word % classes == labels[v] ? "p_topic" : "p_word"].get<double>())
          held.push_back(word);
      rows_ += std::to_string(labels[v]);
      for (const int word : held)
        rows_ += " " + std::to_string(word + 1) + ":" + json(1.0 / static_cast<double>(held.size())).dump();
      rows_ += "\n";
    }
  }

  std::string train() const {
    std::string out;
    for (const json& node : entry_["train_nodes"]) out += node.dump() + "\n";
    return out;
  }

  /// Glorot uniform, W0 and then W1, from one stream.
  std::string start() const {
    graph::SplitMix64 random(entry_["weights_seed"]);
    const int classes = entry_["classes"];
    std::ostringstream out;
    out.precision(17);
    for (const auto& [rows, columns] : {std::pair(features_, hidden_), std::pair(hidden_, classes)})
      for (int i = 0; i < rows * columns; ++i)
        out << std::sqrt(6.0 / (rows + columns)) * (2 * random.uniform() - 1) << "\n";
    return out.str();
  }

  /// bfs_partition() of the reference, with its seed: one node in turn each, the oldest waiting one that is free.
  std::vector<int> partition() const {
    const std::uint64_t agents = entry_["partition"]["agents"];
    std::vector<std::set<std::uint64_t>> neighbours(entry_["nodes"].get<std::size_t>());
    std::istringstream edges(edges_);
    for (std::uint64_t u = 0, v = 0; edges >> u >> v;) neighbours[u].insert(v), neighbours[v].insert(u);
    std::vector<std::deque<std::uint64_t>> waiting;
    for (const std::uint64_t v : graph::SplitMix64(1).subset(neighbours.size(), agents)) waiting.push_back({v});
    std::vector<int> owner(neighbours.size(), -1);
    for (bool busy = true; std::exchange(busy, false);)
      for (std::size_t agent = 0; agent < agents; ++agent) {
        while (!waiting[agent].empty() && owner[waiting[agent].front()] >= 0) waiting[agent].pop_front();
        if (waiting[agent].empty()) continue;
        busy = true;
        const std::uint64_t v = waiting[agent].front();
        owner[v] = static_cast<int>(agent);
        waiting[agent].insert(waiting[agent].end(), neighbours[v].begin(), neighbours[v].end());
      }
    for (int& lost : owner)  // nobody has reached it: to whoever has fewest
      if (lost < 0) lost = smallest(owner, static_cast<int>(agents));
    return owner;
  }

  static int smallest(const std::vector<int>& owner, int agents) {
    std::vector<std::ptrdiff_t> held;
    for (int agent = 0; agent < agents; ++agent) held.push_back(std::count(owner.begin(), owner.end(), agent));
    return static_cast<int>(std::min_element(held.begin(), held.end()) - held.begin());
  }

  std::string owners() const {
    const std::vector<int> owner = partition();
    for (std::size_t v = 0; v < 20; ++v) EXPECT_EQ(owner[v], entry_["partition"]["owner_first"][v]) << v;
    std::string out;
    for (const int agent : owner) out += std::to_string(agent) + "\n";
    return out;
  }

  const Folder* folder_;
  json entry_;
  int hidden_, features_;
  std::string edges_, rows_;
};

class GcnTrajectories : public Gcn {
 protected:
  static void compare(const json& points, const std::vector<json>& lines, const Set& keys) {
    std::map<std::uint64_t, json> seen;
    for (const json& line : lines) seen[line["round"]] = line;
    for (const json& point : points) {
      const json& line = seen[point["epoch"]];
      for (const std::string& key : keys)
        EXPECT_NEAR(line[key].get<double>(), point[key].get<double>(), 1e-9 * point[key].get<double>() + 1e-20)
            << point["epoch"] << " " << key;
      for (const char* key : {"train_accuracy", "test_accuracy"})
        EXPECT_DOUBLE_EQ(line["metrics"][key].get<double>(), point[key].get<double>()) << point["epoch"] << " " << key;
    }
  }

  std::string config_of(const json& entry) const {
    return "[run]\nevaluate_every = 1\nrounds = " + entry["runs"][0]["points"].back()["epoch"].dump() +
           "\n[problem]\n" + Case(folder_, entry).problem() +
           "[workers]\ncount = " + entry["partition"]["agents"].dump() +
           "\n[mechanism]\nplugin = \"gd\"\n[optimizer]\nplugin = \"gd\"\n" + "stepsize = " + entry["mu"].dump() + "\n";
  }
};

TEST_F(GcnTrajectories, InAStarAreThoseOfOneMachine) {
  const json all = json::parse(read_file(reference));
  for (const json& entry : all["cases"]) {
    folder_.write("run.toml", config_of(entry));
    summary("star");
    compare(entry["runs"][0]["points"], read_metrics(folder_.path("star")), {"f", "grad_norm_sq"});
    const double rounds = read_summary(folder_.path("star"))["round"].get<double>() + 1;
    EXPECT_EQ(read_summary(folder_.path("star"))["exchange_bits_per_worker"],
              64 * rounds * entry["partition"]["floats_per_epoch"].get<double>() /
                  entry["partition"]["agents"].get<double>());
  }
}

/// A mixing matrix as the file of links with weights that gives it.
std::string links_of(const json& matrix) {
  std::string out;
  for (std::size_t to = 0; to < matrix.size(); ++to)
    for (std::size_t from = 0; from < matrix.size(); ++from)
      if (from != to && matrix[to][from] > 0.0)
        out += std::to_string(from) + " " + std::to_string(to) + " " + matrix[to][from].dump() + "\n";
  return out;
}

TEST_F(GcnTrajectories, OfAgentsThatAdaptAndThenCombine) {
  const json all = json::parse(read_file(reference));
  for (const json& entry : all["cases"]) {
    folder_.write("run.toml", config_of(entry));
    for (const json& agents : entry["runs"]) {
      if (!agents.contains("C") || agents["topology"].get<std::string>().ends_with("dropped")) continue;
      const std::string links = folder_.write("links", links_of(agents["C"]));
      summary("agents", {"topology={plugin=\"file\",file=\"" + links + "\"}",
                         "optimizer={plugin=\"atc\",consensus=1,stepsize=" + entry["mu"].dump() + "}"});
      compare(agents["points"], read_metrics(folder_.path("agents")), {"f", "grad_norm_sq", "consensus"});
    }
  }
}

}  // namespace
}  // namespace threepc::test
