// Where networks start: variances, and signals that keep their size through many layers.
#include "mlp_cases.hpp"
#include "network/activation.hpp"

namespace {

using namespace problems_test;

/// Mean squares of weights, times fan-in, and of biases, layer by layer.
std::vector<double> variances(const Worker& worker) {
  const Vector x = worker.start();
  const tpc_problem_facts facts = worker.facts();
  std::vector<double> out;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < facts.block_count; ++i) {
    const std::size_t size = std::size_t{facts.blocks[i]->rows} * facts.blocks[i]->columns;
    double squares = 0;
    for (std::size_t j = at; j < at + size; ++j) squares += x[j] * x[j];
    out.push_back(squares / static_cast<double>(size) * facts.blocks[i]->columns);
    at += size;
  }
  return out;
}

Values deep(const std::string& file, const std::string& activation, const std::string& init) {
  return {{"data", file}, {"hidden", std::vector{400.0, 300.0}}, {"activation", activation}, {"init", init}};
}

TEST(MlpStart, HasTheVariancesOfItsKind) {
  const TemporaryFile file(drawn_data(9, 200, 3).text);
  const auto expect = [&](const Values& values, double weights, double biases) {
    const std::vector<double> seen = variances(Worker(mlp, values, 1, 0));
    for (const std::size_t l : {0u, 2u}) {
      EXPECT_NEAR(seen[l], weights, 0.03 * weights);
      EXPECT_NEAR(seen[l + 1], biases, 0.4 * biases);
    }
  };
  for (const Activation& a : activations)
    expect(deep(file.name(), a.name, "critical"), a.critical.weights, a.critical.biases);
  expect(deep(file.name(), "tanh", "he"), 2, 0);
  Values given = deep(file.name(), "relu", "gaussian");
  given["sigma_w"] = 0.5;
  expect(given, 0.25, 0);
  given["sigma_b"] = 0.3;
  expect(given, 0.25, 0.09);
}

TEST(MlpStart, OfGlorotIsUniform) {
  const TemporaryFile file(drawn_data(9, 200, 3).text);
  const Vector x = Worker(mlp, deep(file.name(), "tanh", "glorot"), 1, 0).start();
  const double bound = std::sqrt(6.0 / (200 + 400));
  double largest = 0, squares = 0;
  for (std::size_t j = 0; j < 200 * 400; ++j) largest = std::max(largest, std::abs(x[j])), squares += x[j] * x[j];
  EXPECT_LE(largest, bound);
  EXPECT_GE(largest, 0.999 * bound);
  EXPECT_NEAR(squares / (200 * 400), bound * bound / 3, 0.02 * bound * bound / 3);
  for (std::size_t j = 200 * 400; j < 200 * 400 + 400; ++j) EXPECT_EQ(x[j], 0);
}

TEST(MlpStart, IsOneOnAllWorkers) {
  const TemporaryFile file(drawn_data(9, 6, 3).text);
  for (const char* init : {"critical", "glorot"})
    EXPECT_EQ(Worker(mlp, deep(file.name(), "gelu", init), 3, 0).start(),
              Worker(mlp, deep(file.name(), "gelu", init), 3, 2).start());
}

/// G = C_b + C_W/n |sigma(z)|^2 of networks of width 256 behind 10 and 30 layers, between the quantiles 0.1 % and
/// 99.9 % of many networks of an independent implementation.
struct Band {
  const char* activation;
  double K;
  double at_10[2], at_30[2];
};

class Critical : public testing::TestWithParam<Band> {};

TEST_P(Critical, SignalsKeepTheirSizeThroughManyLayers) {
  constexpr std::size_t width = 256;
  const Activation& activation = activation_of(GetParam().activation);
  const double entry = std::sqrt((GetParam().K - activation.critical.biases) / activation.critical.weights);
  const TemporaryFile file("0 256:1\n1 256:1\n");
  const Worker worker(
      mlp, {{"data", file.name()}, {"hidden", Vector(30, width)}, {"activation", std::string(activation.name)}}, 1, 0);
  std::vector<std::size_t> widths(31, width);
  widths.push_back(2);
  const std::vector<Vector> z = preactivations(widths, activation.name, worker.start(), Vector(width, entry));
  const auto G = [&](std::size_t layer) {
    double squares = 0;
    for (const double value : z[layer - 2]) squares += std::pow(exact_value(activation.name, value), 2);
    return activation.critical.biases + activation.critical.weights / width * squares;
  };
  EXPECT_GT(G(10), GetParam().at_10[0]);
  EXPECT_LT(G(10), GetParam().at_10[1]);
  EXPECT_GT(G(30), GetParam().at_30[0]);
  EXPECT_LT(G(30), GetParam().at_30[1]);
}

INSTANTIATE_TEST_SUITE_P(Activations, Critical,
                         testing::Values(Band{"linear", 1, {0.4335, 2.217}, {0.2259, 3.589}},
                                         Band{"relu", 1, {0.2321, 3.184}, {0.07546, 6.99}},
                                         Band{"tanh", 1, {0.03539, 0.08721}, {0.006365, 0.0353}},
                                         Band{"sin", 1, {0.05388, 0.1381}, {0.01193, 0.06925}},
                                         Band{"gelu", 3.56155281281, {0.9061, 10.14}, {0.5688, 29.8}},
                                         Band{"swish", 14.320173618, {3.656, 49.61}, {2.09, 114.2}}),
                         [](const auto& test) { return test.param.activation; });

TEST(MlpStart, IsWhatAFileSays) {
  const TemporaryFile data("0 1:1\n1 1:2\n"), four("# W, then b\n1 2.5\n-3 4e-1\n"), three("1 2 3"),
      words("1 2\n3 x\n");
  const auto values = [&](const TemporaryFile& weights) {
    return Values{{"data", data.name()}, {"weights", weights.name()}};
  };
  EXPECT_EQ(Worker(mlp, values(four), 1, 0).start(), (Vector{1, 2.5, -3, 0.4}));
  EXPECT_EQ(refusal(mlp, values(three), three.name()).text,
            "FILE: expected 4 numbers, weights and biases of the widths 1-2, seen 3");
  EXPECT_EQ(refusal(mlp, values(words), words.name()).text, "FILE:2: expected a finite number, seen 'x'");
}

}  // namespace
