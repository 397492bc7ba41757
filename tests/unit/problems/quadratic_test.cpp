// Constants and values against an independent implementation (reference/problems.json), and the closed forms
// against a plain dense construction of the same matrices.
#include <nlohmann/json.hpp>

#include "harness.hpp"

namespace {

using namespace problems_test;
using nlohmann::json;

const std::string library = "problem-quadratic";
const std::string reference_file = THREEPC_TEST_SOURCES "/reference/problems.json";

Worker from_reference(const std::string& name, std::uint32_t workers, std::uint32_t worker, tpc_dtype dtype = TPC_F64) {
  return Worker(library, {{"scalars", reference_file}, {"problem", name}}, workers, worker, dtype);
}

json expected(const std::string& name) { return json::parse(std::ifstream(reference_file)).at("problems").at(name); }

class Reference : public testing::TestWithParam<const char*> {
 protected:
  json want = expected(GetParam());
  std::uint32_t n = static_cast<std::uint32_t>(want.at("nu_s").size());
};

TEST_P(Reference, ConstantsAgree) {
  double squares = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const tpc_problem_facts facts = from_reference(GetParam(), n, i).facts();
    EXPECT_EQ(facts.dim, want.at("d"));
    EXPECT_TRUE(close(facts.L_i, want.at("L_i").at(i), 1e-12));
    EXPECT_TRUE(close(facts.L_minus, want.at("L_minus"), 1e-12));
    EXPECT_TRUE(close(facts.hessian_spread, want.at("L_pm"), 1e-12));
    squares += facts.L_i * facts.L_i;
  }
  EXPECT_TRUE(close(std::sqrt(squares / n), want.at("L_plus"), 1e-12));
}

TEST_P(Reference, ValueAndGradientAtStartAgree) {
  double f = 0;
  Vector g(want.at("d").get<std::size_t>());
  for (std::uint32_t i = 0; i < n; ++i) {
    const Worker worker = from_reference(GetParam(), n, i);
    const Vector x0 = worker.start(), g_i = worker.gradient(x0);
    f += worker.value(x0) / n;
    for (std::size_t j = 0; j < g.size(); ++j) g[j] += g_i[j] / n;
  }
  EXPECT_TRUE(close(f, want.at("f_x0"), 1e-12));
  EXPECT_TRUE(close(dot(g, g), want.at("grad_norm_sq_x0"), 1e-12));
}

INSTANTIATE_TEST_SUITE_P(Quadratic, Reference, testing::Values("n10_d1000_s0.0", "n10_d1000_s0.8", "n100_d1000_s0.8"));

/// A_i x - b_i with the matrix written out.
Vector dense_gradient(double nu_s, double nu_b, double shift, const Vector& x) {
  const std::size_t d = x.size();
  Vector g(d);
  for (std::size_t r = 0; r < d; ++r)
    for (std::size_t c = 0; c < d; ++c) {
      const double t = r == c ? 2 : (r + 1 == c || c + 1 == r ? -1 : 0);
      g[r] += (nu_s / 4 * t + (r == c ? shift : 0)) * x[c];
    }
  g[0] -= nu_s / 4 * (nu_b - 1);
  return g;
}

std::string scalars(std::size_t d) {
  return R"({"d": )" + std::to_string(d) + R"(, "shift": 0.05, "nu_s": [1.5, -0.5], "nu_b": [0.3, 2]})";
}

class Size : public testing::TestWithParam<std::size_t> {};

TEST_P(Size, GradientIsTheDenseOne) {
  const TemporaryFile file(scalars(GetParam()));
  const Vector x = wavy(GetParam());
  for (const tpc_dtype dtype : {TPC_F64, TPC_F32})
    for (const std::uint32_t i : {0u, 1u}) {
      const Worker worker(library, {{"scalars", file.name()}}, 2, i, dtype);
      const Vector g = worker.gradient(x), want = dense_gradient(i == 0 ? 1.5 : -0.5, i == 0 ? 0.3 : 2.0, 0.05, x);
      for (std::size_t j = 0; j < x.size(); ++j) EXPECT_NEAR(g[j], want[j], dtype == TPC_F64 ? 1e-14 : 1e-6) << j;
    }
}

TEST_P(Size, ValueIsHalfOfGradientMinusB) {
  const TemporaryFile file(scalars(GetParam()));
  const Worker worker(library, {{"scalars", file.name()}}, 2, 1);
  const Vector x = wavy(GetParam(), 3), g = worker.gradient(x);
  const double b = -0.5 / 4 * (2.0 - 1);
  EXPECT_NEAR(worker.value(x), (dot(x, g) - b * x[0]) / 2, 1e-12 * (1 + dot(x, x)));
}

TEST_P(Size, GradientMatchesFiniteDifferences) {
  const TemporaryFile file(scalars(GetParam()));
  const Vector x = wavy(GetParam());
  expect_gradient_matches_value(Worker(library, {{"scalars", file.name()}}, 2, 0), x, 1e-3, 1e-9);
  expect_gradient_matches_value(Worker(library, {{"scalars", file.name()}}, 2, 0, TPC_F32), x, 0x1p-6, 1e-3);
}

TEST_P(Size, NegativeCurvatureCountsByItsSize) {
  const TemporaryFile file(scalars(GetParam()));
  const Worker worker(library, {{"scalars", file.name()}}, 2, 1);
  const Vector zero(GetParam()), g0 = worker.gradient(zero);
  const double norm = operator_norm(GetParam(), [&](const Vector& v) {
    Vector out = worker.gradient(v);
    for (std::size_t j = 0; j < out.size(); ++j) out[j] -= g0[j];
    return out;
  });
  EXPECT_GE(worker.facts().L_i * (1 + 1e-12), norm);
  EXPECT_TRUE(close(worker.facts().L_i, norm, 1e-2));
}

INSTANTIATE_TEST_SUITE_P(Quadratic, Size, testing::Values(1, 2, 3, 8, 9, 10, 33));

TEST(Quadratic, StartIsRootOfDTimesFirstUnitVector) {
  EXPECT_EQ(Worker(library, {{"dim", std::int64_t{4}}}, 1, 0).start(), (Vector{2, 0, 0, 0}));
  EXPECT_EQ(Worker(library, {{"dim", std::int64_t{4}}}, 1, 0, TPC_F32).start(), (Vector{2, 0, 0, 0}));
}

TEST(Quadratic, GeneratedMeanHasSmallestEigenvalueLambda) {
  const std::size_t d = 12;
  const std::uint32_t n = 5;
  const double lambda = 0.125;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::uint32_t i = 0; i < n; ++i)
    workers.push_back(
        std::make_unique<Worker>(library, Values{{"dim", std::int64_t{d}}, {"lambda", lambda}, {"s", 0.4}}, n, i));
  const double L = workers[0]->facts().L_minus;
  const auto mean_times = [&](const Vector& v) {
    Vector out(d);
    for (const auto& worker : workers) {
      const Vector g = worker->gradient(v), g0 = worker->gradient(Vector(d));
      for (std::size_t j = 0; j < d; ++j) out[j] += (g[j] - g0[j]) / n;
    }
    return out;
  };
  const double largest = operator_norm(d, mean_times);
  const double gap = operator_norm(d, [&](const Vector& v) {
    Vector out = mean_times(v);
    for (std::size_t j = 0; j < d; ++j) out[j] = L * v[j] - out[j];
    return out;
  });
  EXPECT_TRUE(close(largest, L, 1e-9));
  EXPECT_NEAR(L - gap, lambda, 1e-9);
}

TEST(Quadratic, WorkersAgreeOnWhatTheyShareAndDifferInTheRest) {
  const Values values = {{"dim", std::int64_t{50}}, {"s", 0.8}};
  const tpc_problem_facts a = Worker(library, values, 4, 0).facts(), b = Worker(library, values, 4, 3).facts();
  EXPECT_EQ(a.L_minus, b.L_minus);
  EXPECT_EQ(a.hessian_spread, b.hessian_spread);
  EXPECT_NE(a.L_i, b.L_i);
  EXPECT_GT(a.hessian_spread, 0);
}

TEST(Quadratic, WithoutNoiseAllAreEqual) {
  const Values values = {{"dim", std::int64_t{50}}};
  const Worker a(library, values, 4, 0), b(library, values, 4, 3);
  EXPECT_EQ(a.facts().hessian_spread, 0);
  EXPECT_EQ(a.facts().L_i, a.facts().L_minus);
  EXPECT_EQ(a.gradient(wavy(50)), b.gradient(wavy(50)));
}

struct Bad {
  const char* content;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.message; }

class MalformedScalars : public testing::TestWithParam<Bad> {};

TEST_P(MalformedScalars, IsRefusedWithPlaceExpectedAndSeen) {
  const TemporaryFile file(GetParam().content);
  const Refusal seen = refusal(library, {{"scalars", file.name()}}, file.name());
  EXPECT_EQ(seen.text, GetParam().message);
  EXPECT_EQ(seen.code, threepc::Exit::data);
}

INSTANTIATE_TEST_SUITE_P(
    Quadratic, MalformedScalars,
    testing::Values(
        Bad{"", "FILE: expected a JSON object, seen an empty file"},
        Bad{" \n", "FILE: expected a JSON object, seen an empty file"},
        Bad{"{\"d\": 3,\n \"shift\": }",
            "FILE:2: expected a JSON object, seen a syntax error while parsing value - unexpected '}'; expected '[', "
            "'{', or a literal"},
        Bad{"[1]", "FILE: expected a JSON object with the member \"d\", seen [1]"},
        Bad{"{}", "FILE: expected an integer \"d\", seen no such member"},
        Bad{R"({"d": 0})", "FILE: expected an integer \"d\" in 1 .. 4294967294, seen 0"},
        Bad{R"({"d": 1.5})", "FILE: expected an integer \"d\" in 1 .. 4294967294, seen 1.5"},
        Bad{R"({"d": 4294967295})", "FILE: expected an integer \"d\" in 1 .. 4294967294, seen 4294967295"},
        Bad{R"({"d": 3, "shift": "1"})", "FILE: expected a number \"shift\", seen \"1\""},
        Bad{R"({"d": 3, "shift": 0, "nu_s": []})", "FILE: expected a non-empty array \"nu_s\", seen []"},
        Bad{R"({"d": 3, "shift": 0, "nu_s": [1, null], "nu_b": [0, 0]})",
            "FILE: expected a number as nu_s[1], seen null"},
        Bad{R"({"d": 3, "shift": 0, "nu_s": [1, 1], "nu_b": [0]})",
            "FILE: expected \"nu_b\" as long as \"nu_s\", 2 numbers, seen 1"}),
    [](const auto& bad) { return "case_" + std::to_string(bad.index); });

TEST(Quadratic, NumberOfWorkersMustFitTheFile) {
  const TemporaryFile file(scalars(3));
  const Refusal seen = refusal(library, {{"scalars", file.name()}}, file.name(), 3);
  EXPECT_EQ(seen.text, "problem.scalars: FILE holds the scalars of 2 workers, the run has 3; make workers.count equal");
  EXPECT_EQ(seen.code, threepc::Exit::usage);
}

TEST(Quadratic, UnknownProblemListsTheKnown) {
  const Refusal seen = refusal(library, {{"scalars", reference_file}, {"problem", "n7"}}, reference_file, 10);
  EXPECT_EQ(seen.text,
            "problem.problem: expected one of the problems of FILE (n100_d1000_s0.8, n10_d1000_s0.0, n10_d1000_s0.8), "
            "seen 'n7'");
  EXPECT_EQ(seen.code, threepc::Exit::usage);
}

TEST(Quadratic, ProblemWithoutFileIsRefused) {
  EXPECT_EQ(refusal(library, {{"problem", "n7"}}, "").text,
            "problem.problem: selects an entry of the file `scalars`, which is not set");
}

}  // namespace
