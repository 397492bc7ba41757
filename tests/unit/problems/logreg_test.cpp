// Values, gradients and curvature: against finite differences and a dense matrix on small data, and against an
// independent implementation (reference/problems.json) on the published sets.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "harness.hpp"

namespace {

using namespace problems_test;
using nlohmann::json;

const std::string library = "problem-logreg";

struct Dense {
  std::vector<Vector> rows;  // y a, label folded in
  std::string text;
};

/// About half of the entries present, so that rows have different lengths.
Dense random_data(std::size_t rows, std::size_t d) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Dense out;
  std::ostringstream text;
  text.precision(17);
  for (std::size_t r = 0; r < rows; ++r) {
    const double label = r % 2 == 0 ? 1 : -1;
    Vector row(d);
    text << label;
    for (std::size_t j = 0; j < d; ++j) {
      if (j + 1 < d && uniform(random) < 0) continue;
      const double value = uniform(random);
      text << ' ' << j + 1 << ':' << value;
      row[j] = label * value;
    }
    text << '\n';
    out.rows.push_back(row);
  }
  out.text = text.str();
  return out;
}

using Choice = std::tuple<const char*, tpc_dtype>;

class EveryRegularizer : public testing::TestWithParam<Choice> {
 protected:
  const char* kind = std::get<0>(GetParam());
  tpc_dtype dtype = std::get<1>(GetParam());
  double tolerance(double exact, double single) const { return dtype == TPC_F64 ? exact : single; }
};

double regularizer(const std::string& kind, double lambda, const Vector& x) {
  double sum = 0;
  for (const double v : x) sum += kind == "none" ? 0 : kind == "l2" ? v * v / 2 : v * v / (1 + v * v);
  return lambda * sum;
}

TEST_P(EveryRegularizer, ValueIsTheFormula) {
  const Dense data = random_data(20, 9);
  const TemporaryFile file(data.text);
  const Worker worker(library, {{"data", file.name()}, {"regularizer", kind}, {"lambda", 0.3}}, 1, 0, dtype);
  const Vector x = wavy(9, 2);
  double want = regularizer(kind, 0.3, x);
  for (const Vector& row : data.rows) want += std::log(1 + std::exp(-dot(row, x))) / 20;
  EXPECT_NEAR(worker.value(x), want, tolerance(1e-14, 1e-6));
}

TEST_P(EveryRegularizer, GradientMatchesFiniteDifferences) {
  const Dense data = random_data(20, 9);
  const TemporaryFile file(data.text);
  const Worker worker(library, {{"data", file.name()}, {"regularizer", kind}, {"lambda", 0.3}}, 1, 0, dtype);
  expect_gradient_matches_value(worker, wavy(9, 2), tolerance(1e-5, 0x1p-7), tolerance(1e-9, 1e-4));
}

TEST_P(EveryRegularizer, ExtremeMarginsStayFinite) {
  const TemporaryFile file("1 1:10000\n-1 1:10000\n1 2:-10000\n-1 2:1\n");
  const Worker worker(library, {{"data", file.name()}, {"regularizer", kind}}, 1, 0, dtype);
  for (const double scale : {1.0, -1.0, 1e4, -1e4}) {
    const Vector x = {scale, -scale}, g = worker.gradient(x);
    EXPECT_TRUE(std::isfinite(worker.value(x))) << scale;
    EXPECT_TRUE(std::isfinite(g[0]) && std::isfinite(g[1])) << scale;
  }
  // Rows 1 and 3 are classified with certainty and row 2 is wrong by 10000; row 4's loss is log(1 + exp(-1)).
  const Vector x = {1, -1};
  EXPECT_NEAR(worker.value(x), (10000 + std::log1p(std::exp(-1))) / 4 + regularizer(kind, 0.1, x), 1e-9);
}

TEST_P(EveryRegularizer, CurvatureIsTheDenseBound) {
  const std::size_t rows = 24, d = 7;
  const Dense data = random_data(rows, d);
  const TemporaryFile file(data.text);
  const Worker worker(library, {{"data", file.name()}, {"regularizer", kind}, {"lambda", 0.3}}, 1, 0, dtype);
  const double c = std::string(kind) == "none" ? 0 : std::string(kind) == "l2" ? 0.3 : 0.6;
  for (std::size_t column = 0; column < d; ++column) {
    Vector unit(d);
    unit[column] = 1;
    const Vector seen = worker.curvature(unit);
    for (std::size_t j = 0; j < d; ++j) {
      double want = j == column ? c : 0;
      for (const Vector& row : data.rows) want += row[j] * row[column] / (4 * rows);
      EXPECT_NEAR(seen[j], want, tolerance(1e-15, 1e-7));
    }
  }
}

TEST_P(EveryRegularizer, CurvatureIsSymmetricSemidefiniteAndBoundsTheGradient) {
  const Dense data = random_data(40, 12);
  const TemporaryFile file(data.text);
  const Worker worker(library, {{"data", file.name()}, {"regularizer", kind}}, 2, 1, dtype);
  const double L = operator_norm(12, [&](const Vector& v) { return worker.curvature(v); });
  for (int k = 0; k < 10; ++k) {
    const Vector u = wavy(12, k + 0.5), v = wavy(12, -0.3 * k + 1);
    EXPECT_NEAR(dot(u, worker.curvature(v)), dot(v, worker.curvature(u)), 1e-12 * (1 + dot(u, u)));
    EXPECT_GE(dot(u, worker.curvature(u)), 0);
    Vector g = worker.gradient(u), h = worker.gradient(v), apart = u;
    for (std::size_t j = 0; j < g.size(); ++j) g[j] -= h[j], apart[j] -= v[j];
    EXPECT_LE(std::sqrt(dot(g, g)), L * std::sqrt(dot(apart, apart)) * (1 + 1e-5));
  }
}

INSTANTIATE_TEST_SUITE_P(LogReg, EveryRegularizer,
                         testing::Combine(testing::Values("none", "l2", "nonconvex"),
                                          testing::Values(TPC_F64, TPC_F32)),
                         [](const auto& param) {
                           const bool single = std::get<1>(param.param) == TPC_F32;
                           return std::string(std::get<0>(param.param)) + (single ? "_f32" : "_f64");
                         });

TEST(LogReg, StartsAtZeroWithLossLog2) {
  const TemporaryFile file("1 1:3\n0 1:-2\n");
  const Worker worker(library, {{"data", file.name()}}, 1, 0);
  EXPECT_EQ(worker.start(), Vector{0});
  EXPECT_NEAR(worker.value(worker.start()), std::log(2), 1e-15);
}

TEST(LogReg, OneFeature) {
  const TemporaryFile file("1 1:2\n0 1:1\n");
  const Worker worker(library, {{"data", file.name()}, {"regularizer", "none"}}, 1, 0);
  const auto sigma = [](double u) { return 1 / (1 + std::exp(-u)); };
  EXPECT_NEAR(worker.gradient({0.5})[0], (-2 * sigma(-1.0) + sigma(0.5)) / 2, 1e-15);
}

TEST(LogReg, SmoothnessIsLeftToTheHost) {
  const TemporaryFile file("1 1:2\n0 1:1\n");
  const Worker worker(library, {{"data", file.name()}}, 1, 0);
  EXPECT_TRUE(worker.problem().has_curvature());
  EXPECT_TRUE(std::isnan(worker.facts().L_i) && std::isnan(worker.facts().L_minus));
}

class Published : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("THREEPC_DATA");
    if (folder == nullptr) GTEST_SKIP() << "THREEPC_DATA is not set";
    const std::string file = std::string(folder) + "/" + GetParam();
    if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " does not exist";
    want = json::parse(std::ifstream(THREEPC_TEST_SOURCES "/reference/problems.json")).at("datasets").at(GetParam());
    n = want.at("n");
    for (std::uint32_t i = 0; i < n; ++i)
      workers.push_back(
          std::make_unique<Worker>(library, Values{{"data", file}, {"lambda", want.at("lam").get<double>()}}, n, i));
  }

  Vector probe() const {
    Vector x(want.at("d").get<std::size_t>());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = (static_cast<double>(j % 7) - 3) / 4;
    return x;
  }

  json want;
  std::uint32_t n = 0;
  std::vector<std::unique_ptr<Worker>> workers;
};

TEST_P(Published, ShardsAgree) {
  for (const auto& worker : workers) {
    EXPECT_EQ(worker->facts().dim, want.at("d"));
    EXPECT_EQ(worker->facts().rows, want.at("m"));
  }
}

TEST_P(Published, ProbeAgrees) {
  const Vector x = probe();
  double f = 0;
  Vector g(x.size());
  for (std::uint32_t i = 0; i < n; ++i) {
    const Vector g_i = workers[i]->gradient(x);
    EXPECT_TRUE(close(dot(g_i, g_i), want.at("worker_grad_norm_sq_probe").at(i), 1e-12)) << "worker " << i;
    f += workers[i]->value(x) / n;
    for (std::size_t j = 0; j < g.size(); ++j) g[j] += g_i[j] / n;
  }
  EXPECT_TRUE(close(f, want.at("f_probe"), 1e-12));
  EXPECT_TRUE(close(dot(g, g), want.at("grad_norm_sq_probe"), 1e-12));
  for (std::size_t j = 0; j < 5; ++j) EXPECT_NEAR(g[j], want.at("grad_probe_first5").at(j), 1e-13);
}

TEST_P(Published, SmoothnessAgrees) {
  const std::size_t d = want.at("d");
  for (const std::uint32_t i : {0u, n - 1}) {
    const double L_i = operator_norm(
        d, [&](const Vector& v) { return workers[i]->curvature(v); }, 150);
    EXPECT_TRUE(close(L_i, want.at("L_i").at(i), 1e-9)) << "worker " << i;
  }
  const auto mean_times = [&](const Vector& v) {
    Vector out(d);
    for (const auto& worker : workers) {
      const Vector part = worker->curvature(v);
      for (std::size_t j = 0; j < d; ++j) out[j] += part[j] / n;
    }
    return out;
  };
  EXPECT_TRUE(close(operator_norm(d, mean_times, 150), want.at("L_minus"), 1e-9));
}

INSTANTIATE_TEST_SUITE_P(LogReg, Published, testing::Values("phishing", "a9a", "w8a", "mushrooms"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
