// leastsquares, softmax and autoencoder: values against the formula written out, gradients against finite differences,
// minibatches against the whole, constants against what the gradient does.
#include <chrono>
#include <filesystem>
#include <random>
#include <sstream>

#include "harness.hpp"

namespace {

using namespace problems_test;

/// Rows of about half of `d` features with one of `classes` labels, or a real target for classes = 0.
struct Data {
  std::vector<Vector> rows;
  Vector labels;
  std::string text;
};

Data random_data(std::size_t rows, std::size_t d, int classes) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Data out;
  std::ostringstream text;
  text.precision(17);
  for (std::size_t r = 0; r < rows; ++r) {
    Vector row(d);
    out.labels.push_back(classes == 0 ? 3 * uniform(random) : static_cast<double>(r % classes));
    text << out.labels.back();
    for (std::size_t j = 0; j < d; ++j) {
      if (j + 1 < d && uniform(random) < 0) continue;
      row[j] = uniform(random);
      text << ' ' << j + 1 << ':' << row[j];
    }
    text << '\n';
    out.rows.push_back(row);
  }
  out.text = text.str();
  return out;
}

/// ||grad f(x) - grad f(y)|| <= L ||x - y|| on random pairs, and L is not far from what they show.
void expect_smooth(const Worker& worker, double L, double least) {
  double largest = 0;
  for (int k = 0; k < 20; ++k) {
    const Vector x = wavy(worker.dim(), 0.1 + k), y = wavy(worker.dim(), -0.2 * k);
    Vector g = worker.gradient(x), apart = x;
    const Vector h = worker.gradient(y);
    for (std::size_t j = 0; j < g.size(); ++j) g[j] -= h[j], apart[j] -= y[j];
    largest = std::max(largest, std::sqrt(dot(g, g) / dot(apart, apart)));
  }
  EXPECT_LE(largest, L * (1 + 1e-9));
  EXPECT_GE(largest, least * L);
}

/// Averaged over all rows, gradients over single rows are the gradient; a row named twice counts twice.
void expect_rows_average(const Worker& worker, double tolerance) {
  const Vector x = wavy(worker.dim(), 0.7);
  const std::uint64_t rows = worker.facts().rows;
  Vector mean(worker.dim());
  for (std::uint64_t r = 0; r < rows; ++r) {
    const Vector one = worker.gradient_of_rows(x, {r});
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += one[j] / static_cast<double>(rows);
  }
  const Vector whole = worker.gradient(x);
  for (std::size_t j = 0; j < mean.size(); ++j) EXPECT_NEAR(mean[j], whole[j], tolerance) << j;
  const Vector a = worker.gradient_of_rows(x, {0}), b = worker.gradient_of_rows(x, {1}),
               c = worker.gradient_of_rows(x, {0, 1, 1});
  for (std::size_t j = 0; j < c.size(); ++j) EXPECT_NEAR(c[j], (a[j] + 2 * b[j]) / 3, tolerance) << j;
}

class Models : public testing::TestWithParam<tpc_dtype> {
 protected:
  double tolerance(double exact, double single) const { return GetParam() == TPC_F64 ? exact : single; }
};

TEST_P(Models, LeastSquaresIsTheFormula) {
  const Data data = random_data(20, 9, 0);
  const TemporaryFile file(data.text);
  const Worker worker("problem-leastsquares", {{"data", file.name()}, {"lambda", 0.3}}, 1, 0, GetParam());
  const Vector x = wavy(9, 2);
  double want = 0.15 * dot(x, x);
  for (std::size_t r = 0; r < 20; ++r) want += std::pow(dot(data.rows[r], x) - data.labels[r], 2) / 40;
  EXPECT_NEAR(worker.value(x), want, tolerance(1e-13, 1e-5));
  expect_gradient_matches_value(worker, x, tolerance(1e-4, 0x1p-5), tolerance(1e-8, 1e-3));
  expect_rows_average(worker, tolerance(1e-13, 1e-5));
}

TEST_P(Models, LeastSquaresSmoothnessIsTight) {
  const TemporaryFile file(random_data(40, 5, 0).text);
  const Worker worker("problem-leastsquares", {{"data", file.name()}, {"lambda", 0.1}}, 2, 1, GetParam());
  const double L = operator_norm(5, [&](const Vector& v) { return worker.curvature(v); });
  expect_smooth(worker, L * (1 + tolerance(0, 1e-5)), 0.5);
}

TEST_P(Models, SoftmaxIsTheFormula) {
  constexpr std::size_t d = 6, classes = 4;
  const Data data = random_data(20, d, classes);
  const TemporaryFile file(data.text);
  const Worker worker("problem-softmax", {{"data", file.name()}, {"lambda", 0.3}}, 1, 0, GetParam());
  ASSERT_EQ(worker.dim(), d * classes);
  const Vector x = wavy(d * classes, 2);
  double want = 0.15 * dot(x, x);
  for (std::size_t r = 0; r < 20; ++r) {
    double total = 0, own = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      double s = 0;
      for (std::size_t j = 0; j < d; ++j) s += x[c * d + j] * data.rows[r][j];
      total += std::exp(s);
      if (static_cast<double>(c) == data.labels[r]) own = s;
    }
    want += (std::log(total) - own) / 20;
  }
  EXPECT_NEAR(worker.value(x), want, tolerance(1e-13, 1e-5));
  expect_gradient_matches_value(worker, x, tolerance(1e-5, 0x1p-6), tolerance(1e-9, 1e-3));
  expect_rows_average(worker, tolerance(1e-13, 1e-6));
  const tpc_problem_facts facts = worker.facts();
  ASSERT_EQ(facts.block_count, 1u);
  EXPECT_EQ(facts.blocks[0]->rows, classes);
  EXPECT_EQ(facts.blocks[0]->columns, d);
}

/// In any order, and one may have no rows: its scores are those of a label that does not occur.
TEST_P(Models, SoftmaxTakesDeclaredClassesInTheirOrder) {
  const TemporaryFile file("3 1:1\n7 2:2\n3 1:-1 2:1\n"), all("3 1:1\n7 2:2\n3 1:-1 2:1\n5 1:1\n");
  const Worker ascending("problem-softmax", {{"data", all.name()}}, 1, 0, GetParam());
  const Worker declared("problem-softmax", {{"data", file.name()}, {"labels", std::vector{7.0, 5.0, 3.0}}}, 1, 0,
                        GetParam());
  const Vector x = {0.3, -0.2, 0.1, 0.4, -0.6, 0.5}, turned = {-0.6, 0.5, 0.1, 0.4, 0.3, -0.2};
  const Vector want = ascending.gradient_of_rows(x, {0, 1, 2}), seen = declared.gradient(turned);
  ASSERT_EQ(seen.size(), want.size());
  for (const std::size_t c : {0u, 1u, 2u})
    for (const std::size_t j : {0u, 1u})
      EXPECT_NEAR(seen[2 * c + j], want[2 * (2 - c) + j], tolerance(1e-15, 1e-7)) << c << j;
}

/// Scaled rows and an intercept are data like others: the same rows written out give the same bits.
TEST_P(Models, ScaledDataAreTheDataWrittenOut) {
  const TemporaryFile raw("1 1:4 2:-1\n2 2:2\n3 1:-2\n1 1:1 2:0.5\n");
  const TemporaryFile scaled("1 1:1 2:-0.5 3:1\n2 2:1 3:1\n3 1:-0.5 3:1\n1 1:0.25 2:0.25 3:1\n");
  for (const char* problem : {"problem-leastsquares", "problem-softmax"}) {
    const Worker a(problem, {{"data", raw.name()}, {"scale", std::string("max_abs")}, {"intercept", true}}, 2, 1,
                   GetParam());
    const Worker b(problem, {{"data", scaled.name()}}, 2, 1, GetParam());
    ASSERT_EQ(a.dim(), b.dim());
    const Vector x = wavy(a.dim(), 0.4);
    EXPECT_EQ(a.value(x), b.value(x)) << problem;
    EXPECT_EQ(a.gradient(x), b.gradient(x)) << problem;
  }
}

TEST_P(Models, SoftmaxOfExtremeScoresStaysFinite) {
  const TemporaryFile file("1 1:10000\n2 1:-10000\n3 1:1\n");
  const Worker worker("problem-softmax", {{"data", file.name()}}, 1, 0, GetParam());
  for (const double scale : {1.0, -1e4}) {
    const Vector x = {scale, -scale, scale / 2};
    EXPECT_TRUE(std::isfinite(worker.value(x)));
    for (const double g : worker.gradient(x)) EXPECT_TRUE(std::isfinite(g));
  }
}

TEST_P(Models, SoftmaxSmoothnessHolds) {
  const TemporaryFile file(random_data(40, 5, 3).text);
  const Worker worker("problem-softmax", {{"data", file.name()}, {"lambda", 0.1}}, 2, 1, GetParam());
  const double L = operator_norm(15, [&](const Vector& v) { return worker.curvature(v); });
  expect_smooth(worker, L * (1 + tolerance(0, 1e-5)), 0.2);
}

/// With two classes, X = (-x/2, x/2) scores rows as logreg does.
TEST(Softmax, OfTwoClassesIsLogreg) {
  const TemporaryFile file(random_data(20, 5, 2).text);
  const Worker two("problem-softmax", {{"data", file.name()}}, 1, 0);
  const Worker one("problem-logreg", {{"data", file.name()}, {"regularizer", "none"}}, 1, 0);
  const Vector x = wavy(5);
  Vector both(10);
  for (std::size_t j = 0; j < 5; ++j) both[j] = -x[j] / 2, both[5 + j] = x[j] / 2;
  EXPECT_NEAR(two.value(both), one.value(x), 1e-14);
}

TEST(Softmax, RealTargetsAreNoClasses) {
  std::string text;
  for (int r = 0; r < 3; ++r) text += std::to_string(r) + ".5 4294967294:1\n";
  const TemporaryFile file(text);
  EXPECT_EQ(
      refusal("problem-softmax", {{"data", file.name()}, {"features", std::int64_t{4294967294}}}, file.name()).text,
      "FILE: expected classes x features below 2^32, seen 3 distinct labels x 4294967294 features; are the labels "
      "real targets?");
}

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string idx(std::uint32_t magic, const std::vector<std::uint32_t>& dimensions, const std::string& values) {
  std::string out = big_endian(magic);
  for (const std::uint32_t dimension : dimensions) out += big_endian(dimension);
  return out + values;
}

std::string pixels(std::size_t count) {
  std::mt19937 random(5);
  std::string out(count, '\0');
  for (char& pixel : out) pixel = static_cast<char>(random());
  return out;
}

TEST_P(Models, AutoencoderIsTheFormula) {
  constexpr std::size_t p = 6, k = 2, m = 9;
  const std::string values = pixels(m * p);
  const TemporaryFile file(idx(2051, {m, 2, 3}, values));
  const Worker worker("problem-autoencoder", {{"data", file.name()}, {"hidden", std::int64_t{k}}}, 1, 0, GetParam());
  ASSERT_EQ(worker.dim(), 2 * p * k);
  const Vector x = wavy(worker.dim());
  double want = 0;
  for (std::size_t r = 0; r < m; ++r) {
    Vector a(p), code(k);
    for (std::size_t j = 0; j < p; ++j) a[j] = static_cast<std::uint8_t>(values[r * p + j]) / 255.0;
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < p; ++j) code[i] += x[p * k + i * p + j] * a[j];
    for (std::size_t j = 0; j < p; ++j) {
      double decoded = 0;
      for (std::size_t i = 0; i < k; ++i) decoded += x[j * k + i] * code[i];
      want += std::pow(decoded - a[j], 2) / m;
    }
  }
  EXPECT_NEAR(worker.value(x), want, tolerance(1e-13, 1e-5));
  expect_gradient_matches_value(worker, x, tolerance(1e-4, 0x1p-6), tolerance(1e-7, 1e-3));
  expect_rows_average(worker, tolerance(1e-13, 1e-5));
  const tpc_problem_facts facts = worker.facts();
  ASSERT_EQ(facts.block_count, 2u);
  EXPECT_EQ(facts.blocks[0]->rows, p);
  EXPECT_EQ(facts.blocks[1]->rows, k);
}

TEST(Autoencoder, StartsAtTheSameRandomPointOnEveryWorker) {
  const TemporaryFile file(idx(2051, {8, 2, 2}, pixels(32)));
  const Worker first("problem-autoencoder", {{"data", file.name()}, {"hidden", std::int64_t{2}}}, 2, 0);
  const Worker second("problem-autoencoder", {{"data", file.name()}, {"hidden", std::int64_t{2}}}, 2, 1);
  EXPECT_EQ(first.start(), second.start());
  for (const double entry : first.start()) EXPECT_LE(std::abs(entry), 1);
  EXPECT_GT(dot(first.start(), first.start()), 0);
}

struct BadIdx {
  const char* name;
  std::string content;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const BadIdx& bad) { return out << bad.name; }

class MalformedIdx : public testing::TestWithParam<BadIdx> {};

TEST_P(MalformedIdx, IsRefusedWithExpectedAndSeen) {
  const TemporaryFile file(GetParam().content);
  const Refusal seen =
      refusal("problem-autoencoder", {{"data", file.name()}, {"hidden", std::int64_t{1}}}, file.name());
  EXPECT_EQ(seen.text, GetParam().message);
  EXPECT_EQ(seen.code, threepc::Exit::data);
}

INSTANTIATE_TEST_SUITE_P(
    Idx, MalformedIdx,
    testing::Values(
        BadIdx{"Empty", "",
               "FILE: expected an IDX file of images, which begins with the bytes 00 00 08 03, seen an empty file"},
        BadIdx{"Text", "1 1:2\n",
               "FILE: expected an IDX file of images, which begins with the bytes 00 00 08 03, seen 31 20 31 3a"},
        BadIdx{"Floats", idx(0x0d03, {1, 1, 1}, "abcd"),
               "FILE: expected an IDX file of images, which begins with the bytes 00 00 08 03, seen 00 00 0d 03"},
        BadIdx{"Labels", idx(2049, {1}, "a"),
               "FILE: expected an IDX file of images, which begins with the bytes 00 00 08 03, seen 00 00 08 01"},
        BadIdx{"NoDimensions", idx(2051, {1}, ""),
               "FILE: expected an IDX header of 16 bytes, seen 8 bytes in all; fetch the file again"},
        BadIdx{"Zero", idx(2051, {0, 2, 2}, ""), "FILE: expected dimensions above 0, seen 0"},
        BadIdx{"HugeImages", idx(2051, {0xffffffff, 0xffffffff, 0xffffffff}, ""),
               "FILE: expected at most 16777216 pixels an image, seen 4294967295 x 4294967295"},
        BadIdx{"ManyImages", idx(2051, {0xffffffff, 4096, 4096}, "a"),
               "FILE: expected 4294967295 x 16777216 bytes after the header, seen 1; fetch the file again"},
        BadIdx{"CutOff", idx(2051, {3, 2, 2}, "12345678901"),
               "FILE: expected 3 x 4 bytes after the header, seen 11; fetch the file again"},
        BadIdx{"CutOffByAnImage", idx(2051, {3, 2, 2}, "12345678"),
               "FILE: expected 3 x 4 bytes after the header, seen 8; fetch the file again"},
        BadIdx{"TooLong", idx(2051, {3, 2, 2}, "1234567890123"),
               "FILE: expected 3 x 4 bytes after the header, seen 13; fetch the file again"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Autoencoder, CodesMustBeSmallerThanImagesAndFitTheVector) {
  const TemporaryFile small(idx(2051, {1, 2, 2}, pixels(4))), large(idx(2051, {1, 256, 256}, pixels(65536)));
  EXPECT_EQ(refusal("problem-autoencoder", {{"data", small.name()}, {"hidden", std::int64_t{5}}}, "").text,
            "problem.hidden: hidden = 5 exceeds the 4 pixels of an image; a code is to be smaller than that");
  EXPECT_EQ(
      refusal("problem-autoencoder", {{"data", large.name()}, {"hidden", std::int64_t{32768}}}, "").text,
      "problem.hidden: 2 x 65536 pixels x hidden = 32768 is more than the 4294967294 coordinates that a run can have");
}

/// 300 images are three batches, the last one partly filled.
TEST_P(Models, AutoencoderAddsItsBatches) {
  const TemporaryFile file(idx(2051, {300, 2, 3}, pixels(1800)));
  const Worker worker("problem-autoencoder", {{"data", file.name()}, {"hidden", std::int64_t{2}}}, 1, 0, GetParam());
  const Vector x = worker.start();
  expect_gradient_matches_value(worker, x, tolerance(1e-5, 0x1p-6), tolerance(1e-8, 1e-3));
  expect_rows_average(worker, tolerance(1e-14, 1e-5));
}

TEST(Autoencoder, LabelsMustMatchTheImages) {
  const TemporaryFile images(idx(2051, {4, 2, 2}, pixels(16))), labels(idx(2049, {3}, "123"));
  const Refusal seen = refusal("problem-autoencoder",
                               {{"data", images.name()},
                                {"labels", labels.name()},
                                {"hidden", std::int64_t{1}},
                                {"split", std::string("label")}},
                               labels.name());
  EXPECT_EQ(seen.text, "FILE: expected one label for each of 4 images, seen 3");
}

INSTANTIATE_TEST_SUITE_P(Dtype, Models, testing::Values(TPC_F32, TPC_F64),
                         [](const auto& test) { return test.param == TPC_F32 ? "f32" : "f64"; });

std::string published(const char* name) {
  const char* folder = std::getenv("THREEPC_DATA");
  const std::string file = folder == nullptr ? "" : std::string(folder) + "/" + name;
  return std::filesystem::exists(file) ? file : "";
}

TEST(Published, MnistImagesAreRead) {
  const std::string images = published("t10k-images-idx3-ubyte.gz"), labels = published("t10k-labels-idx1-ubyte.gz");
  if (images.empty() || labels.empty()) GTEST_SKIP() << "THREEPC_DATA has no MNIST test set";
  const Worker worker("problem-autoencoder", {{"data", images}, {"labels", labels}, {"split", std::string("label")}},
                      10, 3);
  EXPECT_EQ(worker.dim(), 25088u);
  EXPECT_EQ(worker.facts().rows, 1000u);
  const Vector x = worker.start(), g = worker.gradient(x);
  Vector ahead = x;
  const double step = 1e-4 / std::sqrt(dot(g, g));
  for (std::size_t j = 0; j < x.size(); ++j) ahead[j] -= step * g[j];
  EXPECT_NEAR((worker.value(x) - worker.value(ahead)) / (step * dot(g, g)), 1, 1e-3);
}

TEST(Published, TheAutoencoderLearnsMnist) {
  const std::string images = published("t10k-images-idx3-ubyte.gz");
  if (images.empty()) GTEST_SKIP() << "THREEPC_DATA has no MNIST test set";
  const Worker worker("problem-autoencoder", {{"data", images}}, 10, 0);
  Vector x = worker.start();
  double f = worker.value(x);
  const double at_start = f;
  for (int k = 0; k < 20; ++k) {
    const Vector g = worker.gradient(x);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= 0.01 * g[j];
    const double next = worker.value(x);
    EXPECT_LT(next, f) << "step " << k;
    f = next;
  }
  EXPECT_LT(f, 0.7 * at_start);
}

TEST(Published, News20HasAMillionCoordinates) {
  const std::string file = published("news20.bz2");
  if (file.empty()) GTEST_SKIP() << "THREEPC_DATA has no news20.bz2";
  const Worker worker("problem-softmax", {{"data", file}}, 20, 7);
  EXPECT_EQ(worker.dim(), 62061u * 20);
  EXPECT_EQ(worker.facts().rows, 15935u / 20);
  EXPECT_NEAR(worker.value(worker.start()), std::log(20), 1e-12);
  const Vector x = wavy(worker.dim(), 1e-3), g = worker.gradient(x);
  Vector ahead = x;
  for (std::size_t j = 0; j < x.size(); ++j) ahead[j] -= 1e-7 * g[j];
  EXPECT_NEAR((worker.value(x) - worker.value(ahead)) / (1e-7 * dot(g, g)), 1, 1e-3);
}

}  // namespace
