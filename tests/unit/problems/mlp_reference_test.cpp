// Problem mlp on MNIST against an independent implementation (reference/mlp_values.json).
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "data/file_text.hpp"
#include "graph/splitmix64.hpp"
#include "mlp_cases.hpp"

namespace {

using namespace problems_test;
using nlohmann::json;
using threepc::graph::SplitMix64;

std::string published(const char* name) {
  const char* folder = std::getenv("THREEPC_DATA");
  const std::string file = folder == nullptr ? "" : std::string(folder) + "/" + name;
  return std::filesystem::exists(file) ? file : "";
}

/// The first 64 MNIST test images with their labels.
class MlpReference : public testing::Test {
 protected:
  void SetUp() override {
    if (published(images).empty() || published(labels).empty()) GTEST_SKIP() << "THREEPC_DATA has no MNIST test set";
  }

  static std::string first_images() {
    const std::string file = published(images);
    if (file.empty()) return "";
    const FileText text(file);
    return idx(2051, {64, 28, 28}, std::string(text.text().substr(16, 64 * 784)));
  }
  static std::string first_labels() {
    const std::string file = published(labels);
    if (file.empty()) return "";
    const FileText text(file);
    return idx(2049, {64}, std::string(text.text().substr(8, 64)));
  }

  Worker make(const json& entry) const {
    const std::vector<double> widths = entry["widths"];
    return Worker(mlp,
                  {{"data", images_.name()},
                   {"labels", labels_.name()},
                   {"hidden", std::vector(widths.begin() + 1, widths.end() - 1)},
                   {"activation", entry["activation"].get<std::string>()},
                   {"loss", entry["loss"].get<std::string>()}},
                  1, 0);
  }

  /// The reference's own start: an entry of the vector is made of one draw, or of two.
  static Vector start(const json& entry, const Worker& worker) {
    SplitMix64 random(entry["seed"]);
    const auto draw = [&](double variance) {
      const double u = random.uniform();
      if (entry["dist"] == "uniform") return (2 * u - 1) * std::sqrt(3 * variance);
      return std::sqrt(-2 * std::log1p(-u)) * std::cos(2 * std::numbers::pi * random.uniform()) * std::sqrt(variance);
    };
    const tpc_problem_facts facts = worker.facts();
    Vector out;
    for (std::uint32_t i = 0; i < facts.block_count; ++i) {
      const tpc_block& block = *facts.blocks[i];
      const double variance = i % 2 == 0 ? entry["C_W"].get<double>() / block.columns : entry["C_b"].get<double>();
      for (std::size_t j = 0; j < std::size_t{block.rows} * block.columns; ++j) out.push_back(draw(variance));
    }
    return out;
  }

  /// |g|^2 over the blocks of weights, or of biases.
  static Vector norms(const Worker& worker, const Vector& g, std::uint32_t first_block) {
    const tpc_problem_facts facts = worker.facts();
    Vector out;
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < facts.block_count; ++i) {
      const std::size_t size = std::size_t{facts.blocks[i]->rows} * facts.blocks[i]->columns;
      if (i % 2 == first_block) out.push_back(std::inner_product(&g[at], &g[at] + size, &g[at], 0.0));
      at += size;
    }
    return out;
  }

  static void expect_list(const Vector& seen, const json& want, const std::string& what) {
    ASSERT_EQ(seen.size(), want.size()) << what;
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_TRUE(close(seen[i], want[i], 1e-10)) << what << " " << i;
  }

  static constexpr const char* images = "t10k-images-idx3-ubyte.gz";
  static constexpr const char* labels = "t10k-labels-idx1-ubyte.gz";
  TemporaryFile images_{first_images()}, labels_{first_labels()};
  json table_ = json::parse(std::ifstream(THREEPC_TEST_SOURCES "/reference/mlp_values.json"));
};

TEST_F(MlpReference, HasTheSameValuesAndGradients) {
  for (const json& entry : table_["entries"]) {
    SCOPED_TRACE(entry["widths"].dump() + " " + entry["activation"].dump() + " " + entry["loss"].dump());
    const Worker worker = make(entry);
    ASSERT_EQ(worker.dim(), entry["d"]);
    const Vector x = start(entry, worker), g = worker.gradient(x);
    expect_list({x[0], x[1], dot(x, x)}, {entry["p_first"][0], entry["p_first"][1], entry["p_norm_sq"]}, "start");
    SplitMix64 random(77);
    Vector probe(x.size());
    for (double& v : probe) v = 2 * random.uniform() - 1;
    expect_list({worker.value(x), dot(g, g), dot(g, probe)},
                {entry["f"], entry["grad_norm_sq"], entry["grad_dot_probe"]}, "f, |g|^2, g.probe");
    EXPECT_EQ(worker.problem().metrics()[0].sum, entry["correct"].get<double>());
    expect_list(norms(worker, g, 0), entry["grad_norm_sq_W"], "weights of layer");
    expect_list(norms(worker, g, 1), entry["grad_norm_sq_b"], "biases of layer");
    expect_list(Vector(g.begin(), g.begin() + 3), entry["grad_first"], "first");
    expect_list(Vector(g.end() - 3, g.end()), entry["grad_last"], "last");
  }
}

TEST_F(MlpReference, DescendsAlike) {
  for (const json& entry : table_["entries"]) {
    SCOPED_TRACE(entry["widths"].dump() + " " + entry["activation"].dump() + " " + entry["loss"].dump());
    const Worker worker = make(entry);
    Vector x = start(entry, worker);
    for (const json& f : entry["descent"]["f"]) {
      EXPECT_TRUE(close(worker.value(x), f, 1e-10));
      const Vector g = worker.gradient(x);
      for (std::size_t j = 0; j < x.size(); ++j) x[j] -= entry["descent"]["gamma"].get<double>() * g[j];
    }
  }
}

}  // namespace
