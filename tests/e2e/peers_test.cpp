// Runs on directed graphs: against an independent implementation, on every transport, after kill and resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "../unit/network/graphs.hpp"
#include "training.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string reference = std::string(THREEPC_TEST_SOURCES) + "/reference/digraph_optimization.json";

class Peers : public Training {
 protected:
  Peers()
      : Training(
            "[run]\nrounds = 200\nevaluate_every = 20\n[workers]\ncount = 6\n"
            "[problem]\nplugin = \"quadratic\"\ndim = 50\ns = 1.0\nlambda = 0.1\n"
            "[topology]\nplugin = \"random\"\nweights = \"out-degree\"\n"
            "[mechanism]\nplugin = \"clag\"\nzeta = 10\n"
            "compressor = {plugin = \"topk\", k = 5}\n"
            "[optimizer]\nplugin = \"push-diging\"\nstepsize = 0.05\n") {}
};

TEST_F(Peers, HaveTheSameBitsOnEveryTransport) {
  for (const char* method : {"push-sum", "push-diging", "push-pull", "atc"}) {
    const Set base = {std::string("optimizer.plugin=") + method};
    const std::string expected = hash("inproc", base);
    for (const char* transport : {"tcp", "shm"}) {
      Set set = base;
      set.push_back(std::string("transport.plugin=") + transport);
      EXPECT_EQ(hash(transport, set), expected) << method << " over " << transport;
    }
  }
}

TEST_F(Peers, HaveTheSameBitsAfterWorkersWereKilled) {
  const std::string momentum = "mechanism.momentum=0.5", expected = hash("whole", {momentum});
  for (const char* faults : {R"([{kind="kill",worker=3,round=100,when="receive"}])",
                             R"([{kind="kill",worker=3,round=100,when="send"},{kind="kill",worker=0,round=0}])",
                             R"([{kind="corrupt",worker=2,round=60},{kind="drop",worker=1,round=80}])"}) {
    const json summary = this->summary(
        "killed", {"transport.plugin=tcp", "transport.timeout=3", momentum, std::string("faults.inject=") + faults});
    EXPECT_EQ(summary["x_hash"], expected) << faults;
    EXPECT_GE(summary["worker_losses"], 1) << faults;
  }
}

TEST_F(Peers, HaveTheSameBitsAfterAResume) {
  for (const char* method : {"push-sum", "push-diging", "atc"}) {
    const Set base = {std::string("optimizer.plugin=") + method, "mechanism.momentum=0.5"};
    const std::string expected = hash("whole", base);
    Set half = base;
    half.push_back("run.rounds=70");
    summary("half", half);
    const Result result = run_program({"run", "--resume", folder_.path("half"), "--set", "run.rounds=200", "--quiet"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const json resumed = read_summary(folder_.path("half"));
    EXPECT_EQ(resumed["x_hash"], expected) << method;
    EXPECT_EQ(resumed["uplink_bits_per_worker"], read_summary(folder_.path("whole"))["uplink_bits_per_worker"]);
    EXPECT_EQ(resumed["f"], read_summary(folder_.path("whole"))["f"]) << method;
  }
}

TEST_F(Peers, CountBitsForEachLinkAndWhatWasPublishedOnce) {
  const json complete = summary("complete", {"topology.plugin=complete"});
  EXPECT_EQ(complete["uplink_bits_per_worker"].get<double>(), 5 * complete["published_bits_per_worker"].get<double>());
  EXPECT_EQ(complete["downlink_bits_per_worker"], 0);
  const json ring = summary("ring", {"topology.plugin=ring"});
  EXPECT_EQ(ring["uplink_bits_per_worker"], ring["published_bits_per_worker"]);
}

TEST_F(Peers, OneAndTwoWorkersAreAGraph) {
  for (const char* workers : {"1", "2"}) {
    const json alone = summary("few", {std::string("workers.count=") + workers, "topology.plugin=ring",
                                       "mechanism={plugin=\"gd\"}", "run.rounds=6000", "optimizer.stepsize=0.05"});
    EXPECT_LT(alone["grad_norm_sq"], 1e-12) << workers;
  }
}

/// Whoever mixes with everybody at once, and loses nothing, does what a server does.
TEST_F(Peers, OnACompleteGraphWithoutCompressionDoWhatAServerDoes) {
  const Set common = {"mechanism={plugin=\"gd\"}", "run.rounds=50"};
  Set star = common, graph = common;
  star.insert(star.end(), {"topology={plugin=\"star\"}", "optimizer={plugin=\"gd\",stepsize=0.05}"});
  graph.insert(graph.end(), {"topology={plugin=\"complete\"}", "optimizer={plugin=\"atc\",stepsize=0.05}"});
  const json server = summary("star", star), peers = summary("graph", graph);
  EXPECT_NEAR(server["f"].get<double>(), peers["f"].get<double>(), 1e-12 * std::abs(server["f"].get<double>()));
}

TEST_F(Peers, ThatMixTooEagerlyEndWithCode3AndAWordOnWhatToLower) {
  const Result result =
      run("apart", {"optimizer.plugin=push-sum", "optimizer.consensus=1",
                    "mechanism={plugin=\"ef21\",compressor={plugin=\"topk\",k=1}}", "run.rounds=3000"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(read_file(folder_.path("apart/log.txt")), HasSubstr("lower optimizer.consensus"));
}

TEST_F(Peers, AreRefusedWhatTheyCannotDo) {
  EXPECT_THAT(refusal({"optimizer={plugin=\"gd\",stepsize=0.1}"}),
              HasSubstr("on a graph there is none; use one of: atc"));
  EXPECT_THAT(refusal({"topology={plugin=\"star\"}"}),
              HasSubstr("a method of peers on a graph; add a table [topology]"));
  EXPECT_THAT(refusal({"optimizer.stepsize=theory"}), HasSubstr("give a number"));
  EXPECT_THAT(refusal({"faults.on_worker_loss=lazy"}), HasSubstr("use \"wait\" or \"stop\" on a graph"));
  EXPECT_THAT(refusal({"workers.participation=0.5"}), HasSubstr("every worker takes part"));
  EXPECT_THAT(refusal({"faults.round_deadline=1"}), HasSubstr("everybody is waited for"));
  EXPECT_THAT(refusal({"run.evaluate=bound"}), HasSubstr("use \"exact\" or \"off\""));
  EXPECT_THAT(refusal({"topology.weights=metropolis"}), HasSubstr("needs a link back for each link"));
  EXPECT_THAT(refusal({"topology.plugin=rign"}), HasSubstr("ring"));
  EXPECT_THAT(refusal({"mechanism={plugin=\"ef21\",compressor={plugin=\"threshold\",rule=\"absolute\",tau=0.3}}"}),
              HasSubstr("names none above 0; give a number"));
  EXPECT_THAT(refusal({"optimizer.consensus=2"}), HasSubstr("consensus"));
}

TEST_F(Peers, OfAFileAreToldWhichLineIsWrong) {
  const auto of_file = [&](const std::string& text) {
    const std::string file = folder_.write("links.txt", text);
    return Set{"topology={plugin=\"file\",file=\"" + file + "\"}", "workers.count=3"};
  };
  EXPECT_THAT(refusal(of_file("0 1\n1 2\n")), HasSubstr("no way from worker 1 to worker 0"));
  EXPECT_THAT(refusal(of_file("0 1\n1 9\n"), 6), HasSubstr("links.txt:2: expected a worker, 0 to 2, got '9'"));
  EXPECT_THAT(refusal(of_file("0 1\n1 2\n0 1\n"), 6), HasSubstr("links.txt:3: expected each link once"));
  EXPECT_THAT(refusal(of_file("0 1 0.5\n1 2\n"), 6), HasSubstr("links.txt:2: expected a weight on every line"));
  EXPECT_THAT(refusal(of_file("0 1 0.9\n0 2 0.9\n1 0 0.1\n2 0 0.1\n")), HasSubstr("what worker 0 sends sum to 1.8"));
  EXPECT_THAT(refusal(of_file("0 one\n"), 6), HasSubstr("got 'one'"));
}

TEST_F(Peers, AreShownWithTheirLinksAndHowFastTheyMix) {
  const Result shown = run_program({"topology", "show", config_, "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const json graph = json::parse(shown.out);
  EXPECT_EQ(graph["n"], 6);
  EXPECT_EQ(graph["doubly_stochastic"], false);
  EXPECT_GT(graph["spectral_gap"], 0);
  EXPECT_LT(graph["spectral_gap"], 1);
}

TEST_F(Peers, MixAlongATreeThatWasMadeOfMeasuredLinks) {
  const std::string links = folder_.write("links.csv", "from,to,bandwidth\n0,1,9\n0,2,1\n1,2,5\n"),
                    tree = folder_.path("tree");
  ASSERT_EQ(run_program({"topology", "mst", links, "--out", tree}).exit_code, 0);
  const json summary =
      this->summary("along", {"topology={plugin=\"file\",file=\"" + tree + "\",both_ways=true,weights=\"metropolis\"}",
                              "workers.count=3", "mechanism={plugin=\"gd\"}", "run.rounds=1000"});
  EXPECT_LT(summary["grad_norm_sq"], 1e-6);
}

const char* const measured =
    "from,to,latency,bandwidth,cost\n0,1,3,9,1\n0,2,1,1,7\n0,3,2,4,2\n1,2,5,5,6\n1,3,4,2,9\n2,3,6,8,3\n";

TEST_F(Peers, OnAMeasuredTreeAreThoseOnTheFileThatIsWrittenOfIt) {
  const std::string links = folder_.write("links.csv", measured), tree = folder_.path("tree");
  for (const char* objective : {"slowest-link", "depth", "cost"}) {
    ASSERT_EQ(run_program({"topology", "mst", links, "--objective", objective, "--out", tree}).exit_code, 0);
    const std::string file = "topology={plugin=\"file\",file=\"" + tree + "\",both_ways=true}",
                      plugin = "topology={plugin=\"mst\",costs=\"" + links + "\",objective=\"" + objective + "\"}";
    for (const char* method : {"atc", "push-diging"}) {
      const std::string optimizer = std::string("optimizer.plugin=") + method;
      EXPECT_EQ(hash("plugin", {plugin, optimizer, "workers.count=4"}),
                hash("file", {file, optimizer, "workers.count=4"}))
          << objective << " " << method;
    }
  }
}

TEST_F(Peers, OnAMeasuredTreeAreToldWhichLineIsWrong) {
  const auto of_links = [&](const std::string& text, const std::string& more = "") {
    const std::string file = folder_.write("links.csv", text);
    return Set{"topology={plugin=\"mst\",costs=\"" + file + "\"" + more + "}", "workers.count=3"};
  };
  EXPECT_THAT(refusal(of_links("0,1,2\n1,0,\n2,,0\n"), 6), HasSubstr("links.csv:2: the link between 1 and 2 has no"));
  EXPECT_THAT(refusal(of_links("from,to,cost\n0,1,1\n1,2,\n"), 6), HasSubstr("links.csv: the link between 0 and 2"));
  EXPECT_THAT(refusal(of_links("0,1,2,3\n"), 6), HasSubstr("links.csv:1: 4 members are too many; at most 3"));
  EXPECT_THAT(refusal(of_links("from,to,cost\n0,1,1\n3,1,1\n"), 6), HasSubstr("links.csv:3: expected the number of a"));
  EXPECT_THAT(refusal(of_links("0,1\n1,0\n"), 6),
              HasSubstr("the links between 3 workers, got those between 2: worker 2"));
  EXPECT_THAT(refusal(of_links("0,1,9\n1,0,1\n9,1,0\n", ",objective=\"depth\",root=3")),
              HasSubstr("a worker, 0 to 2, got 3"));
  EXPECT_THAT(refusal(of_links("0,1,9\n1,0,1\n9,1,0\n", ",root=1")), HasSubstr("other trees have no root"));
  EXPECT_THAT(refusal(of_links("0,1,9\n1,0,1\n9,1,0\n", ",fan_out=1")), HasSubstr("the links alone decide"));
}

class DesignedPeers : public Peers {
 protected:
  std::string topology(const std::string& options) const { return "topology={plugin=\"designed\"" + options + "}"; }
  std::string file_of(const std::string& key, const std::string& links) const {
    return "," + key + "=\"" + folder_.write(key + ".txt", links) + "\"";
  }
  /// What `threepc topology show` says of this many workers on it.
  json shown(int workers, const std::string& options) const {
    const std::string file = folder_.write(
        "shown.toml", "topology = {plugin = \"designed\"" + options +
                          "}\nproblem = {plugin = \"quadratic\", dim = 5}\nmechanism = {plugin = \"gd\"}\n"
                          "optimizer = {plugin = \"atc\", stepsize = 0.1}\nworkers.count = " +
                          std::to_string(workers) + "\nrun.rounds = 1\n");
    const Result result = run_program({"topology", "show", file, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }

  const std::string ring_ = "0 1\n1 2\n2 3\n3 4\n4 5\n5 6\n6 7\n7 0\n";
};

/// 1 - 2 w (1 - cos(2 pi k / 8)): with the best w the second largest is as far from 0 as the smallest.
TEST_F(DesignedPeers, OnARingMixAsFastAsARingCan) {
  const json ring = shown(8, file_of("possible", ring_) + file_of("needed", ring_));
  EXPECT_EQ(ring["links"], 16);
  EXPECT_EQ(ring["doubly_stochastic"], true);
  EXPECT_NEAR(ring["spectral_gap"].get<double>(), 1 - 0.744518, 1e-5);
}

TEST_F(DesignedPeers, HaveOnlyLinksThatAreNeededOrWorthTheirPrice) {
  EXPECT_EQ(shown(8, file_of("needed", ring_) + ",sparsity=10")["links"], 16);
  EXPECT_EQ(shown(8, file_of("needed", ring_) + ",sparsity=0")["links"], 56);
  const json half = shown(8, file_of("needed", ring_) + file_of("possible", ring_ + "0 4\n2 6\n0 2\n"));
  EXPECT_EQ(half["doubly_stochastic"], true);
  EXPECT_GT(half["links"], 16);
}

/// Those that track gradients end at the optimum, others beside it.
TEST_F(DesignedPeers, ComeAsFarAsTheirMethodDoes) {
  const std::string path = file_of("needed", "0 1\n1 2\n2 3\n3 4\n4 5\n"), graph = topology(",sparsity=0.1" + path);
  const auto end = [&](const std::string& method) -> double {
    return summary(method, {graph, "run.rounds=1000", "optimizer.plugin=" + method})["grad_norm_sq"];
  };
  EXPECT_LT(end("push-diging"), 1e-6);
  EXPECT_LT(end("push-pull"), 1e-6);
  EXPECT_LT(end("push-sum"), 1e-2);
  EXPECT_LT(end("atc"), 1e-2);
}

TEST_F(DesignedPeers, AreToldWhatDoesNotFit) {
  const auto wrong = [&](const std::string& options, int code = 2) {
    return refusal({topology(options), "workers.count=4"}, code);
  };
  const std::string path = "0 1\n1 2\n2 3\n";
  EXPECT_THAT(wrong(",sparsity=5"), HasSubstr("no way from worker 0 to worker 1; lower it, or name needed ones"));
  EXPECT_THAT(wrong(file_of("needed", path) + ",delta=0.5"), HasSubstr("the needed links of worker 1 take 1 at least"));
  EXPECT_THAT(wrong(file_of("needed", "0 1\n1 4\n"), 6),
              HasSubstr("needed.txt:2: expected the number of a node, 0 to 3"));
  EXPECT_THAT(wrong(file_of("possible", path) + file_of("needed", "0 3\n"), 6),
              HasSubstr("needed.txt: the link between 0 and 3 is not among the possible ones"));
  EXPECT_THAT(wrong(file_of("possible", "0 1\n2 3\n"), 6), HasSubstr("no way from worker 0 to worker 2; add links"));
  EXPECT_THAT(refusal({topology(""), "workers.count=70"}), HasSubstr("at most 2000 links, got 2415"));
}

// ---- against the reference

std::string mechanism_of(const std::string& text) {
  if (text == "identity") return "plugin = \"gd\"\n";
  const bool lazy = text.starts_with("clag:");
  const std::size_t colon = text.rfind(':');
  const std::string k = lazy ? text.substr(5, colon - 5) : text.substr(4);
  return (lazy ? "plugin = \"clag\"\nzeta = " + text.substr(colon + 1) + ".0\n" : std::string("plugin = \"ef21\"\n")) +
         "compressor = {plugin = \"topk\", k = " + k + "}\n";
}

/// The reference's eta / (1 + t / tau) counts t from 1, ours from 0.
std::string stepsize_of(const json& entry) {
  const double eta = entry["eta"], tau = entry["decay"];
  if (tau == 0) return "stepsize = " + json(eta).dump() + "\n";
  return "stepsize = " + json(eta * tau / (tau + 1)).dump() +
         "\nschedule = \"inverse\"\ndecay_every = " + std::to_string(static_cast<int>(tau) + 1) + "\n";
}

class PeerTrajectories : public Peers {
 protected:
  std::map<std::uint64_t, json> play(const json& entry, const std::string& problem) const {
    const NamedGraph graph(entry["graph"]);
    const std::string links = folder_.write("links.txt", graph.text());
    folder_.write("run.toml", "[run]\nevaluate_every = 1\nstop.divergence = 1e300\nrounds = " + entry["rounds"].dump() +
                                  "\n[workers]\ncount = " + std::to_string(graph.workers) + "\n[problem]\n" + problem +
                                  "[mechanism]\ninit = \"compressed\"\n" + mechanism_of(entry["comp"]) +
                                  "[optimizer]\nplugin = " + entry["method"].dump() +
                                  "\nconsensus = " + entry["gamma"].dump() + "\n" + stepsize_of(entry) +
                                  "[topology]\nplugin = \"file\"\nfile = \"" + links + "\"\nweights = \"" +
                                  (entry["weights"] == "out" ? "out-degree" : "doubly") + "\"\n");
    const Result result = run("played");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::map<std::uint64_t, json> by_round;
    for (const json& line : read_metrics(folder_.path("played"))) by_round[line["round"]] = line;
    return by_round;
  }

  static void compare(const json& entry, std::map<std::uint64_t, json> seen) {
    int compared = 0;
    const std::string what = entry.dump().substr(0, entry.dump().find("\"points\""));
    for (const json& point : entry["points"]) {
      if (!point["spread"].is_number() || point["spread"] > 1e-6) continue;
      for (const char* key : {"f", "grad_norm_sq", "consensus"}) {
        if (!point[key].is_number()) continue;
        const double expected = point[key], spread = point["spread"];
        EXPECT_NEAR(seen[point["round"]][key].get<double>(), expected,
                    std::max(1e-9, 1000 * spread) * std::abs(expected))
            << what << " round " << point["round"] << " " << key;
        ++compared;
      }
    }
    EXPECT_GE(compared, 15) << what;
  }

  json entries(const std::string& kind) const {
    json out = json::array();
    const json all = json::parse(read_file(reference));
    for (const json& entry : all["entries"])
      if (entry["problem"].get<std::string>().starts_with(kind)) out.push_back(entry);
    return out;
  }
};

TEST_F(PeerTrajectories, Quadratic) {
  const std::string scalars = folder_.write("scalars.json", json::parse(read_file(reference))["quadratic"].dump());
  for (const json& entry : entries("quadratic"))
    compare(entry, play(entry, "plugin = \"quadratic\"\nscalars = \"" + scalars + "\"\n"));
}

TEST_F(PeerTrajectories, Phishing) {
  if (std::getenv("THREEPC_DATA") == nullptr) GTEST_SKIP() << "THREEPC_DATA is not set";
  for (const json& entry : entries("phishing")) {
    const std::string name = entry["problem"], kind = name.substr(0, name.rfind(' '));
    compare(entry, play(entry, "plugin = \"logreg\"\ndata = \"phishing\"\nregularizer = \"" +
                                   kind.substr(kind.rfind(' ') + 1) +
                                   "\"\nlambda = " + name.substr(name.rfind(' ') + 1) + "\n"));
  }
}

/// Numbers that a worker has published when ||grad f||^2 first is at most this.
double published_until(const std::vector<json>& lines, double grad_norm_sq, double links) {
  for (const json& line : lines)
    if (line["grad_norm_sq"] <= grad_norm_sq) return line["uplink_floats_per_worker"].get<double>() / links;
  ADD_FAILURE() << "never reached " << grad_norm_sq;
  return NAN;
}

/// What the documentation promises: exact with a constant step, and a lazy mechanism that says less.
TEST_F(PeerTrajectories, TrackingIsExactOnPhishingAndALazyMechanismSaysLess) {
  if (std::getenv("THREEPC_DATA") == nullptr) GTEST_SKIP() << "THREEPC_DATA is not set";
  constexpr double links = 4;
  const auto with = [&](const std::string& mechanism) {
    const json end = summary("exact", {"problem={plugin=\"logreg\",data=\"phishing\",regularizer=\"l2\",lambda=0.1}",
                                       "workers.count=10", "topology={plugin=\"exponential\"}", "run.rounds=4000",
                                       "run.evaluate_every=10", "optimizer.stepsize=0.48",
                                       "mechanism={" + mechanism + ",compressor={plugin=\"topk\",fraction=0.1}}"});
    EXPECT_LE(end["grad_norm_sq"], 1e-18) << mechanism;
    return published_until(read_metrics(folder_.path("exact")), 1e-12, links);
  };
  EXPECT_LE(with("plugin=\"clag\",zeta=50"), 0.6 * with("plugin=\"ef21\""));
}

}  // namespace
}  // namespace threepc::test
