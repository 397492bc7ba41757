// Problem mlp: the formula written out, finite differences, minibatches against the whole; what is held out; what is
// refused.
#include <algorithm>
#include <numeric>

#include "mlp_cases.hpp"
#include "network/activation.hpp"

namespace {

using namespace problems_test;

double loss_of(const Vector& z, double target, const std::string& loss, bool of_values) {
  double sum = 0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    const double wanted = of_values ? target : static_cast<double>(c) == target ? 1 : 0;
    sum += loss == "mse" ? (z[c] - wanted) * (z[c] - wanted) / 2 : std::exp(z[c]);
  }
  return loss == "mse" ? sum : std::log(sum) - z[static_cast<std::size_t>(target)];
}

struct Kind {
  std::string activation, loss;
  bool of_values;
  tpc_dtype dtype;

  bool is_double() const { return dtype == TPC_F64; }
};

std::ostream& operator<<(std::ostream& out, const Kind& kind) {
  return out << kind.activation << "_" << kind.loss << (kind.of_values ? "_values" : "")
             << (kind.is_double() ? "_f64" : "_f32");
}

std::vector<Kind> kinds() {
  std::vector<Kind> out;
  for (const Activation& activation : activations)
    for (const tpc_dtype dtype : {TPC_F32, TPC_F64})
      for (const auto& [loss, of_values] : {std::pair("softmax", false), {"mse", false}, {"mse", true}})
        out.push_back({activation.name, loss, of_values, dtype});
  return out;
}

class Mlp : public testing::TestWithParam<Kind> {
 protected:
  Values values(const Values& more = {}) const {
    Values out = {{"data", file_.name()},
                  {"hidden", std::vector{5.0, 4.0}},
                  {"activation", GetParam().activation},
                  {"loss", GetParam().loss},
                  {"targets", std::string(GetParam().of_values ? "values" : "classes")}};
    out.insert(more.begin(), more.end());
    return out;
  }
  double tolerance(double exact, double single) const { return GetParam().is_double() ? exact : single; }

  static constexpr std::size_t rows_ = 12, features_ = 6;
  std::size_t outputs_ = GetParam().of_values ? 1 : 3;
  Data data_ = drawn_data(rows_, features_, GetParam().of_values ? 0 : 3);
  TemporaryFile file_{data_.text};
  std::vector<std::size_t> widths_ = {features_, 5, 4, outputs_};
};

TEST_P(Mlp, IsTheFormula) {
  const Worker worker(mlp, values(), 1, 0, GetParam().dtype);
  ASSERT_EQ(worker.dim(), (features_ + 1) * 5 + 6 * 4 + 5 * outputs_);
  const Vector x = wavy(worker.dim(), 0.8);
  double want = 0, correct = 0;
  for (std::size_t r = 0; r < rows_; ++r) {
    const Vector z = preactivations(widths_, GetParam().activation, x, data_.rows[r]).back();
    want += loss_of(z, data_.labels[r], GetParam().loss, GetParam().of_values) / rows_;
    correct += static_cast<double>(std::max_element(z.begin(), z.end()) - z.begin()) == data_.labels[r];
  }
  EXPECT_NEAR(worker.value(x), want, tolerance(1e-13, 1e-5));
  const std::vector<tpc::Share> shares = worker.problem().metrics();
  EXPECT_EQ(shares[0].weight, GetParam().of_values ? 0 : rows_);
  EXPECT_EQ(shares[0].sum, GetParam().of_values ? 0 : correct);
}

TEST_P(Mlp, HasTheGradientOfItsValue) {
  const Worker worker(mlp, values(), 1, 0, GetParam().dtype);
  expect_gradient_matches_value(worker, wavy(worker.dim(), 0.8), tolerance(1e-5, 0x1p-6), tolerance(1e-8, 3e-3));
}

/// Averaged over all rows, gradients of single rows are the gradient; a row named twice counts twice.
TEST_P(Mlp, MinibatchesAreUnbiased) {
  const Worker worker(mlp, values(), 1, 0, GetParam().dtype);
  const Vector x = wavy(worker.dim(), 0.7), whole = worker.gradient(x);
  Vector mean(worker.dim());
  for (std::uint64_t r = 0; r < rows_; ++r) {
    const Vector one = worker.gradient_of_rows(x, {r});
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += one[j] / rows_;
  }
  const Vector a = worker.gradient_of_rows(x, {0}), b = worker.gradient_of_rows(x, {1}),
               c = worker.gradient_of_rows(x, {0, 1, 1});
  for (std::size_t j = 0; j < mean.size(); ++j) {
    EXPECT_NEAR(mean[j], whole[j], tolerance(1e-14, 1e-5)) << j;
    EXPECT_NEAR(c[j], (a[j] + 2 * b[j]) / 3, tolerance(1e-14, 1e-5)) << j;
  }
}

TEST_P(Mlp, AllRowsByNumberAreTheWholeBitForBit) {
  const Worker worker(mlp, values(), 1, 0, GetParam().dtype);
  std::vector<std::uint64_t> all(rows_);
  std::iota(all.begin(), all.end(), 0);
  const Vector x = wavy(worker.dim());
  EXPECT_EQ(worker.gradient_of_rows(x, all), worker.gradient(x));
}

INSTANTIATE_TEST_SUITE_P(Kinds, Mlp, testing::ValuesIn(kinds()),
                         [](const auto& test) { return testing::PrintToString(test.param); });

TEST(MlpNetwork, IsMadeOfMatricesAndBiases) {
  const TemporaryFile file(drawn_data(9, 6, 3).text);
  const Worker worker(mlp, {{"data", file.name()}, {"hidden", std::vector{5.0, 4.0}}}, 1, 0);
  const tpc_problem_facts facts = worker.facts();
  std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks;
  for (std::uint32_t i = 0; i < facts.block_count; ++i)
    blocks.emplace_back(facts.blocks[i]->rows, facts.blocks[i]->columns);
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> want = {{5, 6}, {5, 1}, {4, 5}, {4, 1}, {3, 4}, {3, 1}};
  EXPECT_EQ(blocks, want);
  EXPECT_TRUE(std::isnan(facts.L_i));
}

/// 300 rows are three batches, the last one partly filled; the mean of their parts is the whole.
TEST(MlpNetwork, AddsItsBatches) {
  const TemporaryFile file(drawn_data(300, 4, 3).text);
  const Worker worker(mlp, {{"data", file.name()}, {"hidden", std::vector{5.0}}, {"activation", std::string("gelu")}},
                      1, 0);
  const Vector x = worker.start();
  expect_gradient_matches_value(worker, x, 1e-5, 1e-8);
  std::vector<std::uint64_t> first(128), rest(172);
  std::iota(first.begin(), first.end(), 0), std::iota(rest.begin(), rest.end(), 128);
  const Vector a = worker.gradient_of_rows(x, first), b = worker.gradient_of_rows(x, rest), whole = worker.gradient(x);
  for (std::size_t j = 0; j < whole.size(); ++j) EXPECT_NEAR((128 * a[j] + 172 * b[j]) / 300, whole[j], 1e-15);
}

/// Without hidden layers it is softmax with an intercept.
TEST(MlpNetwork, WithoutHiddenLayersIsSoftmaxRegression) {
  const TemporaryFile file(drawn_data(30, 5, 3).text);
  const Worker network(mlp, {{"data", file.name()}}, 1, 0);
  const Worker regression("problem-softmax", {{"data", file.name()}, {"intercept", true}}, 1, 0);
  const Vector x = wavy(18);
  Vector flat(18);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t j = 0; j < 5; ++j) flat[5 * c + j] = x[6 * c + j];
    flat[15 + c] = x[6 * c + 5];
  }
  EXPECT_NEAR(network.value(flat), regression.value(x), 1e-14);
}

TEST(MlpNetwork, OfHugeScoresStaysFinite) {
  const TemporaryFile file("1 1:10000\n2 1:-10000\n3 1:1\n");
  for (const tpc_dtype dtype : {TPC_F32, TPC_F64}) {
    const Worker worker(mlp, {{"data", file.name()}, {"hidden", std::vector{2.0}}}, 1, 0, dtype);
    const Vector x(worker.dim(), -300);
    EXPECT_TRUE(std::isfinite(worker.value(x)));
    for (const double g : worker.gradient(x)) EXPECT_TRUE(std::isfinite(g));
  }
}

TEST(MlpNetwork, OfNanSaysNan) {
  const TemporaryFile file(drawn_data(9, 4, 3).text);
  for (const Activation& activation : activations) {
    const Worker worker(
        mlp, {{"data", file.name()}, {"hidden", std::vector{3.0}}, {"activation", std::string(activation.name)}}, 1, 0);
    EXPECT_TRUE(std::isnan(worker.value(Vector(worker.dim(), NAN)))) << activation.name;
  }
}

/// x = 0 of a linear model with targets as values: a row counts half the square of its label, which is its number.
class HeldOut : public testing::Test {
 protected:
  static std::string numbered(int rows) {
    std::string out;
    for (int r = 1; r <= rows; ++r) out += std::to_string(r) + " 1:1\n";
    return out;
  }
  Worker make(std::uint32_t workers, std::uint32_t worker, const Values& more = {}) const {
    Values values = {
        {"data", file_.name()}, {"loss", std::string("mse")}, {"targets", std::string("values")}, {"held_out", 0.25}};
    for (const auto& [key, value] : more) values[key] = value;
    return Worker(mlp, values, workers, worker);
  }
  struct Sums {
    double training = 0, held_out = 0, rows = 0, rows_held_out = 0;
  };
  Sums sums(std::uint32_t workers, const Values& more = {}) const {
    Sums out;
    for (std::uint32_t i = 0; i < workers; ++i) {
      const Worker worker = make(workers, i, more);
      const auto rows = static_cast<double>(worker.facts().rows);
      out.training += rows * worker.value({0, 0}), out.rows += rows;
      const tpc::Share share = worker.problem().metrics()[2];
      out.held_out += share.sum, out.rows_held_out += share.weight;
    }
    return out;
  }

  static constexpr int rows_ = 80;
  TemporaryFile file_{numbered(rows_)};
};

TEST_F(HeldOut, IsAShareThatNobodyTrainsOn) {
  const double all = rows_ * (rows_ + 1) * (2 * rows_ + 1) / 12.0;
  const Sums alone = sums(1);
  EXPECT_EQ(alone.rows, 60);
  EXPECT_EQ(alone.rows_held_out, 20);
  EXPECT_NEAR(alone.training + alone.held_out, all, 1e-6);
  EXPECT_NE(alone.held_out, 20 * (20 + 1) * (2 * 20 + 1) / 12.0) << "the first rows";
  for (const char* split : {"order", "shuffled", "label", "dirichlet"}) {
    const Sums seen = sums(6, {{"split", std::string(split)}});
    EXPECT_EQ(seen.rows_held_out, 20) << split;
    EXPECT_NEAR(seen.held_out, alone.held_out, 1e-9) << split << ": the same rows, each once";
    EXPECT_NEAR(seen.training, alone.training, 1e-9) << split;
  }
}

TEST_F(HeldOut, IsMeasuredByEveryWorkerThatHasAllRows) {
  const Sums alone = sums(1), seen = sums(3, {{"split", std::string("replicated")}});
  EXPECT_EQ(seen.rows_held_out, 60);
  EXPECT_NEAR(seen.held_out, 3 * alone.held_out, 1e-9);
}

TEST_F(HeldOut, OfNothingSaysNothing) {
  EXPECT_EQ(sums(2, {{"held_out", 0.0}}).rows_held_out, 0);
  const Values less = {{"data", file_.name()}, {"held_out", 0.01}};
  EXPECT_EQ(refusal(mlp, less, "").text, "problem.held_out: a share of 0.01 of 80 rows is less than one row");
}

class MlpRefusal : public testing::Test {
 protected:
  static std::string of_text(const Values& more) {
    const TemporaryFile file(drawn_data(9, 4, 3).text);
    Values values = {{"data", file.name()}};
    values.insert(more.begin(), more.end());
    return refusal(mlp, values, file.name()).text;
  }
  std::string of_images(const Values& more) const {
    Values values = {{"data", images_.name()}};
    values.insert(more.begin(), more.end());
    return refusal(mlp, values, images_.name()).text;
  }

  TemporaryFile images_{idx(2051, {3, 1, 2}, "abcdef")};
  TemporaryFile labels_{idx(2049, {3}, std::string("\0\1\2", 3))};
};

TEST_F(MlpRefusal, OfNetworksThatDoNotFit) {
  EXPECT_EQ(of_text({{"hidden", std::vector{8.0, 2.5}}}),
            "problem.hidden: expected whole numbers of units, 1 to 16777216, seen 2.5");
  EXPECT_EQ(
      of_text({{"hidden", std::vector{1e6, 1e6}}}),
      "problem.hidden: a network of the widths 4-1000000-1000000-3 has more than the 4294967294 coordinates that a "
      "run can have");
}

TEST_F(MlpRefusal, OfParametersThatContradictEachOther) {
  const std::string mse = "mse", values = "values";
  EXPECT_EQ(of_text({{"targets", values}}),
            "problem.targets: loss = \"softmax\" needs classes; values go with loss = \"mse\"");
  EXPECT_EQ(of_text({{"targets", values}, {"loss", mse}, {"classes", std::vector{0.0, 1.0}}}),
            "problem.classes: targets = \"values\" has none: a label is the target itself");
  EXPECT_EQ(of_text({{"sigma_w", 1.0}}), "problem.sigma_w: is for init = \"gaussian\", and init is \"critical\"");
  EXPECT_EQ(of_text({{"init", std::string("gaussian")}}), "problem.sigma_w: init = \"gaussian\" needs it");
  EXPECT_EQ(of_text({{"classes", std::vector{1.0, 1.0}}}), "problem.classes: names the label 1 twice");
}

TEST_F(MlpRefusal, OfImagesWithoutWhatBelongsToThem) {
  const Values labels = {{"labels", labels_.name()}};
  const auto with = [&](const char* key, const threepc::Value& value) {
    Values out = labels;
    out[key] = value;
    return of_images(out);
  };
  EXPECT_EQ(of_images(labels), "accepted");
  EXPECT_EQ(of_images({}), "problem.labels: FILE has images: expected the IDX file of their labels, got none");
  EXPECT_EQ(with("classes", std::vector{0.0, 1.0}),
            "FILE: image 2 has the label 2, expected one of the 2 that `classes` lists");
  EXPECT_EQ(with("scale", std::string("unit_rows")),
            "problem.scale: is for LIBSVM text; pixels are divided by 255 as they are");
  EXPECT_EQ(with("features", std::int64_t{2}),
            "problem.features: is for LIBSVM text; an image has the pixels that it has");
  const TemporaryFile two(idx(2049, {2}, "ab")), alike(idx(2049, {3}, "aaa"));
  EXPECT_EQ(refusal(mlp, {{"data", images_.name()}, {"labels", two.name()}}, two.name()).text,
            "FILE: expected one label for each of 3 images, seen 2");
  EXPECT_EQ(of_images({{"labels", alike.name()}}), "FILE: expected two classes or more, seen the label 97 alone");
}

TEST_F(MlpRefusal, OfFewerRowsThanWorkers) {
  const TemporaryFile file(drawn_data(10, 2, 2).text);
  EXPECT_EQ(refusal(mlp, {{"data", file.name()}, {"held_out", 0.5}}, file.name(), 6).text,
            "FILE: expected at least one row for each of 6 workers, seen 5 rows");
}

}  // namespace
