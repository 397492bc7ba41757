// Nodes that mix compressed messages, without a network between them.
#include "members/peers/node.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "../runtime/folder.hpp"
#include "graphs.hpp"
#include "members/messages.hpp"
#include "members/peers/mail.hpp"

namespace threepc {
namespace {

using nlohmann::json;
using test::NamedGraph;

constexpr std::uint32_t dim = 20;

const std::string reference = std::string(THREEPC_TEST_SOURCES) + "/../../e2e/reference/digraph_consensus.json";

/// A configuration of peers who have nothing to minimise.
RunConfig config_of(const std::string& graph, const std::string& weights, const std::string& mechanism,
                    double consensus, const std::string& optimizer = "push-sum") {
  static const TestFolder own;  // tests run side by side
  const std::string& folder = own.path();
  static int count = 0;
  const std::string links = folder + "/links" + std::to_string(count++) + ".txt";
  const NamedGraph named(graph);
  std::ofstream(links) << named.text();
  std::ofstream(folder + "/run.toml") << "[workers]\ncount = " << named.workers
                                      << "\n[problem]\nplugin = \"quadratic\"\ndim = " << dim << "\n[mechanism]\n"
                                      << mechanism << "init = \"compressed\"\n[optimizer]\nplugin = \"" << optimizer
                                      << "\"\nstepsize = 0.1\nconsensus = " << json(consensus)
                                      << "\n[topology]\nplugin = \"file\"\nfile = \"" << links << "\"\nweights = \""
                                      << weights << "\"\n";
  return load_config(folder + "/run.toml", {});
}

std::string ef21(int k) {
  return "plugin = \"ef21\"\ncompressor = {plugin = \"topk\", k = " + std::to_string(k) + "}\n";
}

/// "identity", "top:5" or "clag:2:50", as the reference names them.
std::string mechanism_of(const std::string& text) {
  if (text == "identity") return "plugin = \"gd\"\n";
  if (text.starts_with("top:")) return ef21(std::stoi(text.substr(4)));
  const std::size_t colon = text.rfind(':');
  return "plugin = \"clag\"\nzeta = " + text.substr(colon + 1) +
         ".0\ncompressor = {plugin = \"topk\", k = " + text.substr(5, colon - 5) + "}\n";
}

/// All nodes of a graph, at the reference's consensus_start(n, 20, 1).
class Nodes {
 public:
  explicit Nodes(const RunConfig& config) : config_(config), network_(network_of(config_)), zero_(TPC_F64, dim) {
    test::SplitMix random(1);
    weights_.emplace(network_->columns, 1);
    for (std::uint32_t i = 0; i < config_.workers; ++i) {
      nodes_.push_back(std::make_unique<GraphNode>(config_, Membership{TPC_F64, dim, config_.workers, i, 1}, network_,
                                                   [](std::uint64_t) { return 0.1; }));
      RawVector x(TPC_F64, dim);
      for (std::uint32_t j = 0; j < dim; ++j) at(x)[j] = 2 * random.uniform() - 1;
      nodes_.back()->start(x);
    }
    weights_.emplace(network_->columns, *config_.consensus);
  }

  void play() {
    std::vector<Bytes> said(nodes_.size());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      const Bytes mail = round_ == 0 ? first_mail(*network_) : mail_for(i, *network_, published_);
      if (nodes_[i]->mix(round_, open_mail(round_, i, *network_, mail)) != nullptr) nodes_[i]->adapt(round_, zero_);
      nodes_[i]->publish(round_, said[i]);
      seal(said[i], round_);
    }
    published_ = std::move(said);
    if (round_ > 0) weights_->step();
    ++round_;
  }

  double x(std::uint32_t i, std::uint32_t j) const { return static_cast<const double*>(nodes_[i]->x().data())[j]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }
  const Network& network() const { return *network_; }
  GraphNode& operator[](std::size_t i) { return *nodes_[i]; }

  double mean(std::uint32_t j) const {
    double sum = 0;
    for (std::uint32_t i = 0; i < size(); ++i) sum += x(i, j);
    return sum / size();
  }
  /// (1/n) sum_i ||x_i / y_i - mean||^2
  double error() const {
    double sum = 0;
    for (std::uint32_t i = 0; i < size(); ++i)
      for (std::uint32_t j = 0; j < dim; ++j) sum += std::pow(x(i, j) / weights_->of(i) - mean(j), 2);
    return sum / size();
  }

 private:
  static double* at(RawVector& v) { return static_cast<double*>(v.data()); }

  RunConfig config_;
  std::shared_ptr<const Network> network_;
  RawVector zero_;
  std::vector<std::unique_ptr<GraphNode>> nodes_;
  std::optional<PushSumWeights> weights_;
  std::vector<Bytes> published_;
  std::uint64_t round_ = 0;
};

TEST(GraphNode, FollowsTheReferencesTrajectoriesOfConsensus) {
  json all;
  std::ifstream(reference) >> all;
  for (const json& entry : all["entries"]) {
    const std::string weights = entry["weights"] == "out" ? "out-degree" : "doubly", what = entry.dump().substr(0, 120);
    Nodes nodes(config_of(entry["graph"], weights, mechanism_of(entry["comp"]), entry["gamma"]));
    std::uint64_t round = 0;
    int compared = 0;
    for (const json& point : entry["points"]) {
      const bool comparable = point["spread"].is_number() && point["spread"] <= 1e-6 && point["consensus"].is_number();
      if (!comparable) continue;
      for (nodes.play(); round < point["round"]; ++round) nodes.play();
      ++round;
      const double expected = point["consensus"], spread = point["spread"];
      if (expected < 1e-18) break;  // the rest is rounding: the vectors themselves have some 1e-16
      EXPECT_NEAR(nodes.error(), expected, std::max(1e-9, 1000 * spread) * expected)
          << what << " round " << point["round"];
      ++compared;
    }
    EXPECT_GE(compared, 5) << what;
  }
}

TEST(GraphNode, KeepsTheSumWhateverTheCompressorEvenWhileItDiverges) {
  for (const char* mechanism : {"identity", "top:1", "top:5", "clag:2:50"})
    for (const double consensus : {0.05, 1.0}) {
      Nodes nodes(config_of("random:10:0.15:7", "out-degree", mechanism_of(mechanism), consensus));
      std::vector<double> before;
      for (std::uint32_t j = 0; j < dim; ++j) before.push_back(nodes.mean(j));
      double largest = 1;
      for (int round = 0; round < 100; ++round) {
        nodes.play();
        for (std::uint32_t i = 0; i < nodes.size(); ++i)
          for (std::uint32_t j = 0; j < dim; ++j) largest = std::max(largest, std::abs(nodes.x(i, j)));
      }
      for (std::uint32_t j = 0; j < dim; ++j)
        EXPECT_NEAR(nodes.mean(j), before[j], 1e-13 * largest) << mechanism << " " << consensus;
    }
}

TEST(GraphNode, WithoutCompressionARoundIsAProductWithTheMatrix) {
  Nodes nodes(config_of("random:10:0.15:7", "out-degree", mechanism_of("identity"), 1));
  std::vector<double> x;
  nodes.play();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) x.push_back(nodes.x(i, 3));
  nodes.play();
  const std::vector<double> expected = nodes.network().columns.times(x);
  for (std::uint32_t i = 0; i < nodes.size(); ++i) EXPECT_NEAR(nodes.x(i, 3), expected[i], 1e-15);
}

/// Whoever keeps copies of single neighbours, and whoever adds them up, mixes the same.
TEST(GraphNode, MechanismsThatResetAloneAndTogetherConvergeToo) {
  for (const std::string& mechanism :
       {std::string("plugin = \"lag\"\nzeta = 1.0\n"),
        std::string("plugin = \"marina\"\np = 0.3\nunbiased = {plugin = \"randk\", k = 10}\n"),
        std::string("plugin = \"diana\"\nunbiased = {plugin = \"randk\", k = 10}\n")}) {
    Nodes nodes(config_of("random:10:0.15:7", "doubly", mechanism, 0.1));
    nodes.play();
    const double before = nodes.error();
    for (int round = 0; round < 600; ++round) nodes.play();
    EXPECT_LT(nodes.error(), 1e-3 * before) << mechanism;
  }
}

TEST(GraphNode, AStateAndTheMailSinceGiveTheSameBits) {
  for (const char* method : {"push-sum", "push-diging", "push-pull", "atc"}) {
    const RunConfig config = config_of("random:10:0.15:7", "out-degree", ef21(3), 0.1, method);
    Nodes nodes(config);
    for (int round = 0; round < 20; ++round) nodes.play();
    Bytes saved, again;
    nodes[4].save(saved);
    for (int round = 0; round < 5; ++round) nodes.play();
    tpc::Reader in(saved.data(), saved.size());
    nodes[4].load(in);
    in.finish();
    nodes[4].save(again);
    EXPECT_EQ(saved, again) << method;
  }
}

}  // namespace
}  // namespace threepc
