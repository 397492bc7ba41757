// Rules of aggregation: against an independent implementation, by their definitions, and bit for bit where they are
// cut.
#include "method/rule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "failure.hpp"
#include "graph/splitmix64.hpp"
#include "plugin/catalog.hpp"

namespace threepc {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Matrix = std::vector<std::vector<double>>;
using Values = std::map<std::string, Value>;

PluginSpec spec_of(const std::string& rule, const Values& values = {}) {
  static const Catalog catalog({THREEPC_TEST_PLUGINS});
  const Entry& entry = catalog.find(TPC_AGGREGATOR, rule, "here");
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = "aggregation";
  for (std::uint32_t i = 0; i < entry.descriptor->param_count; ++i) {
    const tpc_param& param = *entry.descriptor->params[i];
    const auto given = values.find(param.key);
    spec.values.push_back(given == values.end() ? preset_of(param) : std::optional(given->second));
  }
  return spec;
}

std::vector<double> fused(const PluginSpec& spec, const Matrix& rows, tpc_dtype dtype = TPC_F64) {
  const auto dim = static_cast<std::uint32_t>(rows.front().size());
  Rule rule(spec, {dtype, dim, static_cast<std::uint32_t>(rows.size()), TPC_SERVER, 1});
  std::vector<const double*> pointers;
  for (const auto& row : rows) pointers.push_back(row.data());
  RawVector g(dtype, dim);
  EXPECT_TRUE(rule.combine(pointers, g));
  const auto* const values = static_cast<const double*>(g.data());
  return dtype == TPC_F64 ? std::vector<double>(values, values + dim) : std::vector<double>();
}

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double value : v) sum += value * value;
  return std::sqrt(sum);
}

/// updates() of the reference.
Matrix updates(const json& entry) {
  graph::SplitMix64 random(entry["seed"]);
  const std::size_t n = entry["n"], d = entry["d"], outliers = entry["outliers"];
  std::vector<double> centre(d);
  for (double& value : centre) value = 2 * random.uniform() - 1;
  Matrix rows(n, std::vector<double>(d));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j) {
      const double value = 2 * random.uniform() - 1;
      rows[i][j] = i >= n - outliers ? 10 * value : centre[j] + value;
    }
  return rows;
}

/// The plugin and parameters of what the reference calls, say, "multi-krum f=1 m=6". Weighted rules are not among ours.
std::optional<PluginSpec> spec_of_reference(const std::string& name, const json& entry) {
  const std::int64_t f = entry["outliers"], n = entry["n"];
  if (name == "median") return spec_of("median");
  if (name.starts_with("trimmed ")) return spec_of("trimmed-mean", {{"beta", std::stod(name.substr(8))}});
  if (name == "centered-clip 2 x5") return spec_of("centered-clip", {{"tau", 2.0}});
  if (n < 2 * f + 3) return std::nullopt;
  if (name.starts_with("krum ")) return spec_of("krum", {{"byzantine", f}});
  if (name.starts_with("multi-krum ")) return spec_of("multi-krum", {{"byzantine", f}});
  if (name.starts_with("bulyan ")) return spec_of("bulyan", {{"byzantine", f}});
  return std::nullopt;
}

TEST(Rules, AreThoseOfTheReference) {
  json all;
  std::ifstream(std::string(THREEPC_TEST_SOURCES) + "/../../e2e/reference/aggregation_rules.json") >> all;
  std::map<std::string, int> compared;
  for (const json& entry : all["cases"]) {
    const Matrix rows = updates(entry);
    ASSERT_DOUBLE_EQ(rows[0][0], entry["u00"].get<double>());
    for (const auto& [name, expected] : entry["results"].items()) {
      const auto spec = spec_of_reference(name, entry);
      if (!spec) continue;
      const std::vector<double> g = fused(*spec, rows);
      for (std::size_t j = 0; j < expected["first"].size(); ++j)
        EXPECT_NEAR(g[j], expected["first"][j].get<double>(), 1e-12) << name << " of " << rows.size();
      EXPECT_NEAR(norm(g), expected["norm"].get<double>(), 1e-12 * expected["norm"].get<double>()) << name;
      ++compared[spec->descriptor->id];
    }
  }
  for (const char* rule : {"median", "trimmed-mean", "centered-clip", "krum", "multi-krum", "bulyan"})
    EXPECT_GE(compared[rule], 1) << rule;
}

Matrix drawn(std::size_t n, std::size_t d, std::uint64_t seed = 3) {
  graph::SplitMix64 random(seed);
  Matrix rows(n, std::vector<double>(d));
  for (auto& row : rows)
    for (double& value : row) value = 2 * random.uniform() - 1;
  return rows;
}

/// Where the sum of distances is least, unit vectors to the rows cancel.
TEST(Rules, TheGeometricMedianIsWhereDistancesAreLeast) {
  const Matrix rows = drawn(9, 12);
  const std::vector<double> v = fused(spec_of("geometric-median", {{"tolerance", 1e-13}}), rows);
  std::vector<double> gradient(v.size());
  for (const auto& row : rows) {
    std::vector<double> away(v.size());
    for (std::size_t j = 0; j < v.size(); ++j) away[j] = v[j] - row[j];
    const double length = norm(away);
    for (std::size_t j = 0; j < v.size(); ++j) gradient[j] += away[j] / length;
  }
  EXPECT_LT(norm(gradient), 1e-9);
}

TEST(Rules, ClipCutsLongRowsAlone) {
  const Matrix rows = {{3, 4}, {0.3, 0.4}};
  EXPECT_THAT(fused(spec_of("clip", {{"tau", 1.0}}), rows),
              testing::Pointwise(testing::DoubleNear(1e-15), {0.45, 0.6}));
}

TEST(Rules, OfRowsThatAreEqualAreThatRow) {
  const Matrix rows(11, drawn(1, 30).front());
  for (const auto& spec :
       {spec_of("median"), spec_of("trimmed-mean"), spec_of("krum", {{"byzantine", std::int64_t{2}}}),
        spec_of("multi-krum", {{"byzantine", std::int64_t{2}}}), spec_of("bulyan", {{"byzantine", std::int64_t{2}}}),
        spec_of("geometric-median"), spec_of("clip", {{"tau", 1e6}}), spec_of("centered-clip", {{"tau", 1e6}})}) {
    const std::vector<double> g = fused(spec, rows);
    for (std::size_t j = 0; j < g.size(); ++j) EXPECT_NEAR(g[j], rows[0][j], 1e-14) << spec.descriptor->id << " " << j;
  }
}

/// Whatever f workers say, g stays among the others.
TEST(Rules, StayAmongTheHonestWhateverOthersSay) {
  Matrix rows = drawn(11, 30);
  for (const double immense : {1e6, -1e30}) {
    std::fill(rows[2].begin(), rows[2].end(), immense);
    std::fill(rows[9].begin(), rows[9].end(), immense);
    for (const auto& spec :
         {spec_of("median"), spec_of("trimmed-mean"), spec_of("krum", {{"byzantine", std::int64_t{2}}}),
          spec_of("multi-krum", {{"byzantine", std::int64_t{2}}}), spec_of("bulyan", {{"byzantine", std::int64_t{2}}})})
      for (const double value : fused(spec, rows)) EXPECT_LE(std::abs(value), 1) << spec.descriptor->id;
  }
}

/// More coordinates than fit into one block of sums, and fewer: a prefix of the columns has the same g where columns
/// do not depend on each other.
TEST(Rules, OfColumnsDoNotDependOnOtherColumns) {
  const Matrix rows = drawn(7, 9001);
  for (const auto& spec : {spec_of("median"), spec_of("trimmed-mean")}) {
    Matrix few = rows;
    for (auto& row : few) row.resize(5000);
    std::vector<double> whole = fused(spec, rows);
    whole.resize(5000);
    EXPECT_EQ(fused(spec, few), whole) << spec.descriptor->id;
  }
}

TEST(Rules, TiesGoToTheLowerRow) {
  const Matrix rows = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};  // equal scores
  EXPECT_EQ(fused(spec_of("krum", {{"byzantine", std::int64_t{0}}}), rows), rows[0]);
}

TEST(Rules, AgainstTooManyAreRefusedWithTheArithmetic) {
  const auto refusal = [](const char* rule, std::int64_t f, std::uint32_t n) {
    try {
      Aggregator(spec_of(rule, {{"byzantine", f}}), {TPC_F64, 0, n, TPC_SERVER, 1}, 7).begin(n);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Exit::usage);
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal("krum", 4, 10), HasSubstr("needs n >= 2 x 4 + 3 = 11 workers, and there are 10"));
  EXPECT_THAT(refusal("bulyan", 2, 10), HasSubstr("needs n >= 4 x 2 + 3 = 11 workers, and there are 10"));
  EXPECT_EQ(refusal("krum", 4, 11), "");
}

}  // namespace
}  // namespace threepc
