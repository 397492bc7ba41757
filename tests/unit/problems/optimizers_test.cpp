// Optimizers against their textbook formulas, written out over the whole history, and on quadratics.
#include <algorithm>
#include <functional>

#include "harness.hpp"

namespace {

using problems_test::Values;
using problems_test::Vector;
using Gradient = std::function<Vector(const Vector& x)>;

/// An optimizer plugin with its state, as the server holds them; numbers are those of T.
template <class T>
class Stepper {
 public:
  Stepper(const std::string& id, const Values& given, std::uint32_t dim)
      : spec_(problems_test::make_spec("optimizer-" + id, given)),
        optimizer_(spec_, {sizeof(T) == 4 ? TPC_F32 : TPC_F64, dim, 2, TPC_SERVER, 1}, 0),
        state_(spec_.descriptor->state_vectors, std::vector<T>(dim)) {
    for (std::vector<T>& vector : state_) pointers_.push_back(vector.data());
  }

  void step(std::uint64_t round, double stepsize, const Vector& g, Vector& x) {
    const std::vector<T> gradient(g.begin(), g.end());
    std::vector<T> model(x.begin(), x.end());
    optimizer_.step(optimizer_.context(round, TPC_SERVER, stepsize), gradient.data(), model.data(), pointers_.data());
    x.assign(model.begin(), model.end());
  }

 private:
  threepc::PluginSpec spec_;
  threepc::Optimizer optimizer_;
  std::vector<std::vector<T>> state_;
  std::vector<void*> pointers_;
};

constexpr std::uint32_t dim = 4;

/// x^0, x^1 ... of the plugin, with a step size that changes by itself: one that is kept in the state shows.
double stepsize_of(std::uint64_t round) { return 0.1 / (1.0 + 0.25 * static_cast<double>(round % 4)); }

/// f(x) = sum_j c_j x_j^2 / 2 - x_j, with condition number 25; its minimum is at x_j = 1 / c_j.
const Vector curvatures = {0.2, 1, 3, 5};
Vector gradient(const Vector& x) {
  Vector g(dim);
  for (std::uint32_t j = 0; j < dim; ++j) g[j] = curvatures[j] * x[j] - 1;
  return g;
}

template <class T>
std::vector<Vector> trajectory(const std::string& id, const Values& given, int rounds,
                               double (*stepsize)(std::uint64_t)) {
  Stepper<T> optimizer(id, given, dim);
  std::vector<Vector> xs = {{2, -1, 0.5, 3}};
  for (int round = 0; round < rounds; ++round) {
    Vector x = xs.back();
    optimizer.step(static_cast<std::uint64_t>(round), stepsize(static_cast<std::uint64_t>(round)), gradient(x), x);
    xs.push_back(x);
  }
  return xs;
}

/// What the textbook makes of coordinate j of the trajectory's own points x^0 ... x^t: x^{t+1}_j.
using Textbook = double (*)(const std::vector<Vector>& xs, std::size_t t, std::size_t j);

double g(const std::vector<Vector>& xs, std::size_t t, std::size_t j) { return gradient(xs[t])[j]; }

/// Polyak: x^t - gamma g^t + beta (x^t - x^{t-1}), beta = 0.8.
double heavy_ball(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  const double last = t == 0 ? xs[0][j] : xs[t - 1][j];
  return xs[t][j] - stepsize_of(t) * g(xs, t, j) + 0.8 * (xs[t][j] - last);
}

/// Nesterov: z^{t+1} + beta (z^{t+1} - z^t), z^{t+1} = x^t - gamma g^t, z^0 = x^0, beta = 0.8.
double nesterov(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  const auto z = [&](std::size_t i) { return i == 0 ? xs[0][j] : xs[i - 1][j] - stepsize_of(i - 1) * g(xs, i - 1, j); };
  return z(t + 1) + 0.8 * (z(t + 1) - z(t));
}

/// Kingma and Ba, with the running means written as sums: beta1 = 0.8, beta2 = 0.95, epsilon = 1e-3.
double adam(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  double mean = 0, square = 0, weight1 = 0, weight2 = 0;
  for (std::size_t i = 0; i <= t; ++i) {
    const double w1 = std::pow(0.8, static_cast<double>(t - i)), w2 = std::pow(0.95, static_cast<double>(t - i));
    mean += w1 * g(xs, i, j), weight1 += w1;
    square += w2 * g(xs, i, j) * g(xs, i, j), weight2 += w2;
  }
  return xs[t][j] - stepsize_of(t) * (mean / weight1) / (std::sqrt(square / weight2) + 1e-3);
}

/// Duchi et al.: epsilon = 1e-3.
double adagrad(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  double squares = 0;
  for (std::size_t i = 0; i <= t; ++i) squares += g(xs, i, j) * g(xs, i, j);
  return xs[t][j] - stepsize_of(t) * g(xs, t, j) / (std::sqrt(squares) + 1e-3);
}

/// As adam, with lambda = 0.3.
double adamw(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  return adam(xs, t, j) - stepsize_of(t) * 0.3 * xs[t][j];
}

/// Tieleman and Hinton, with the running mean written as a sum: decay = 0.8, epsilon = 1e-3.
double rmsprop(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  double square = 0;
  for (std::size_t i = 0; i <= t; ++i)
    square += 0.2 * std::pow(0.8, static_cast<double>(t - i)) * std::pow(g(xs, i, j), 2);
  return xs[t][j] - stepsize_of(t) * g(xs, t, j) / (std::sqrt(square) + 1e-3);
}

/// Chen et al., likewise: beta1 = 0.8, beta2 = 0.95, lambda = 0.3.
double lion(const std::vector<Vector>& xs, std::size_t t, std::size_t j) {
  double mean = 0;
  for (std::size_t i = 0; i < t; ++i) mean += 0.05 * std::pow(0.95, static_cast<double>(t - 1 - i)) * g(xs, i, j);
  const double direction = 0.8 * mean + 0.2 * g(xs, t, j) > 0 ? 1 : -1;
  return xs[t][j] - stepsize_of(t) * (direction + 0.3 * xs[t][j]);
}

struct Formula {
  const char* id;
  Values given;
  Textbook next;
  double decay = 0;  // the share of x that a step of 1 takes from it
};

std::ostream& operator<<(std::ostream& out, const Formula& formula) { return out << formula.id; }

const Formula formulas[] = {
    {"heavy-ball", {{"momentum", 0.8}}, heavy_ball},
    {"nesterov", {{"momentum", 0.8}}, nesterov},
    {"adam", {{"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-3}}, adam},
    {"adagrad", {{"epsilon", 1e-3}}, adagrad},
    {"adamw", {{"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-3}, {"weight_decay", 0.3}}, adamw, 0.3},
    {"rmsprop", {{"decay", 0.8}, {"epsilon", 1e-3}}, rmsprop},
    {"lion", {{"beta1", 0.8}, {"beta2", 0.95}, {"weight_decay", 0.3}}, lion, 0.3},
};

template <class T>
void expect_textbook(const Formula& formula, double tolerance) {
  const std::vector<Vector> xs = trajectory<T>(formula.id, formula.given, 60, stepsize_of);
  for (std::size_t t = 0; t + 1 < xs.size(); ++t)
    for (std::size_t j = 0; j < dim; ++j)
      ASSERT_NEAR(xs[t + 1][j], formula.next(xs, t, j), tolerance) << "step " << t << ", coordinate " << j;
}

class Optimizers : public testing::TestWithParam<Formula> {};

TEST_P(Optimizers, FollowTheTextbook) {
  expect_textbook<double>(GetParam(), 1e-13);
  expect_textbook<float>(GetParam(), 2e-6);
}

TEST_P(Optimizers, LeaveAModelWithoutCoordinatesAlone) {
  Stepper<double> optimizer(GetParam().id, GetParam().given, 0);
  Vector x;
  optimizer.step(0, 0.1, {}, x);
  EXPECT_TRUE(x.empty());
}

/// But for the decay of weights.
TEST_P(Optimizers, StayWhereTheGradientIsZero) {
  Stepper<double> optimizer(GetParam().id, GetParam().given, 2);
  Vector x = {1, -2};
  for (std::uint64_t round = 0; round < 3; ++round) optimizer.step(round, 0.1, {0, 0}, x);
  const double left = std::pow(1 - 0.1 * GetParam().decay, 3);
  EXPECT_NEAR(x[0], left, 1e-15);
  EXPECT_NEAR(x[1], -2 * left, 1e-15);
}

TEST_P(Optimizers, LetNanThrough) {
  Stepper<double> optimizer(GetParam().id, GetParam().given, 2);
  Vector x = {1, -2};
  optimizer.step(0, 0.1, {NAN, 1}, x);
  EXPECT_TRUE(std::isnan(x[0]));
  EXPECT_TRUE(std::isfinite(x[1]));
}

std::string name_of(const testing::TestParamInfo<Formula>& test) {
  std::string name = test.param.id;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Every, Optimizers, testing::ValuesIn(formulas), name_of);

double distance_to_minimum(const Vector& x) {
  double worst = 0;
  for (std::uint32_t j = 0; j < dim; ++j) worst = std::max(worst, std::abs(x[j] - 1 / curvatures[j]));
  return worst;
}

/// With the best constants for this condition number: each within the rounds that its rate promises, in both types,
/// and gradient descent not.
TEST(OptimizersOnAQuadratic, MomentumBeatsGradientDescent) {
  const double root = std::sqrt(25.0), beta = std::pow((root - 1) / (root + 1), 2);  // Polyak's
  const auto polyak = [](std::uint64_t) { return std::pow(2 / (std::sqrt(5.0) + std::sqrt(0.2)), 2); };
  const auto by_smoothness = [](std::uint64_t) { return 1 / 5.0; };
  const Values accelerated = {{"momentum", (root - 1) / (root + 1)}};
  EXPECT_LT(distance_to_minimum(trajectory<double>("heavy-ball", {{"momentum", beta}}, 90, polyak).back()), 1e-10);
  EXPECT_LT(distance_to_minimum(trajectory<double>("nesterov", accelerated, 150, by_smoothness).back()), 1e-10);
  EXPECT_LT(distance_to_minimum(trajectory<float>("heavy-ball", {{"momentum", beta}}, 90, polyak).back()), 1e-5);
  EXPECT_LT(distance_to_minimum(trajectory<float>("nesterov", accelerated, 150, by_smoothness).back()), 1e-5);
  EXPECT_GT(distance_to_minimum(trajectory<double>("gd", {}, 150, by_smoothness).back()), 1e-4);
}

TEST(OptimizersOnAQuadratic, AdaGradReachesTheMinimum) {
  const auto constant = [](std::uint64_t) { return 1.0; };
  EXPECT_LT(distance_to_minimum(trajectory<double>("adagrad", {}, 2000, constant).back()), 1e-6);
  EXPECT_LT(distance_to_minimum(trajectory<float>("adagrad", {}, 2000, constant).back()), 1e-4);
}

/// Adam's steps do not shrink with the gradient, so the step size has to.
TEST(OptimizersOnAQuadratic, AdamReachesTheMinimum) {
  const auto falling = [](std::uint64_t round) { return 0.1 * std::pow(0.99, static_cast<double>(round)); };
  EXPECT_LT(distance_to_minimum(trajectory<double>("adam", {}, 2000, falling).back()), 1e-4);
  EXPECT_LT(distance_to_minimum(trajectory<float>("adam", {}, 2000, falling).back()), 1e-4);
}

TEST(OptimizersOnAQuadratic, StepsThatFallReachTheMinimum) {
  const auto falling = [](std::uint64_t round) { return 0.1 * std::pow(0.99, static_cast<double>(round)); };
  for (const auto& [id, given] : {std::pair<const char*, Values>{"adamw", {{"weight_decay", 0.0}}},
                                  {"rmsprop", {}},
                                  {"lion", {{"weight_decay", 0.0}}}}) {
    EXPECT_LT(distance_to_minimum(trajectory<double>(id, given, 2000, falling).back()), 1e-3) << id;
    EXPECT_LT(distance_to_minimum(trajectory<float>(id, given, 2000, falling).back()), 1e-3) << id;
  }
}

TEST(OptimizersOnAQuadratic, AdamWWithoutDecayIsAdam) {
  const std::vector<Vector> with = trajectory<double>("adamw", {{"weight_decay", 0.0}}, 300, stepsize_of),
                            without = trajectory<double>("adam", {}, 300, stepsize_of);
  for (std::uint32_t j = 0; j < dim; ++j) EXPECT_NEAR(with.back()[j], without.back()[j], 1e-12);
}

}  // namespace
