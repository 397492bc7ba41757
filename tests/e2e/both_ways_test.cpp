// A mechanism on the way down: EF21-P and EF21-BC against plain loops, their limits, and the step size from theory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "config/run_config.hpp"
#include "plugin/instances.hpp"
#include "program.hpp"

namespace threepc::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Set = std::vector<std::string>;
using Vector = std::vector<double>;

constexpr std::uint32_t workers = 3, dim = 50;
constexpr int rounds = 300;
constexpr double stepsize = 0.01;

constexpr char scaled_randk[] = "plugin=\"scaled\",compressor={plugin=\"randk\",k=5}";

Set downlink(const std::string& of, const std::string& compressor) {
  return {"downlink={plugin=\"ef21\",of=\"" + of + "\",compressor={" + compressor + "}}"};
}

class BothWays : public testing::Test {
 protected:
  Result run(const std::string& name, Set set) const {
    set.push_back("optimizer.multiplier=1");
    Set arguments = {"run", config_, "--quiet", "--force", "--out", folder_.path(name)};
    for (const std::string& item : set) arguments.insert(arguments.end(), {"--set", item});
    return run_program(arguments);
  }
  json summary(const std::string& name, const Set& set) const {
    const Result result = run(name, set);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder_.path(name));
  }

  Folder folder_;
  std::string config_ = folder_.write("run.toml", small_config(workers, "inproc", rounds));
};

Set operator+(Set a, const Set& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// ---- against loops that know nothing of the framework

/// The k entries of largest magnitude; no two are equal here.
Vector top(const Vector& v, std::size_t k) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::abs(v[a]) > std::abs(v[b]); });
  Vector out(v.size(), 0.0);
  for (std::size_t i = 0; i < k; ++i) out[order[i]] = v[order[i]];
  return out;
}

/// to + C(of - to), C = Top-k.
Vector moved(Vector to, const Vector& of, std::size_t k) {
  Vector difference(of);
  for (std::size_t j = 0; j < to.size(); ++j) difference[j] -= to[j];
  const Vector message = top(difference, k);
  for (std::size_t j = 0; j < to.size(); ++j) to[j] += message[j];
  return to;
}

/// EF21 with Top-5 up, and one of the two ways down.
class Loop {
 public:
  explicit Loop(const RunConfig& config) {
    for (std::uint32_t i = 0; i < workers; ++i) {
      problems_.emplace_back(config.problem, Membership{TPC_F64, 0, workers, i, config.seed}, 1);
      g_.emplace_back(dim);
    }
    problems_.front().start(x_.data());
    w_ = x_;
    for (std::uint32_t i = 0; i < workers; ++i) g_[i] = gradient(i);
  }

  /// grad_norm_sq where the workers take their gradients, in every round.
  Vector run(const std::string& of, std::size_t k) {
    Vector norms;
    for (int round = 0; round <= rounds; ++round) {
      if (round > 0)
        for (std::uint32_t i = 0; i < workers; ++i) g_[i] = moved(g_[i], gradient(i), 5);
      norms.push_back(norm_sq_of_gradient());
      const Vector g = mean();
      sent_ = of == "gradient" && round > 0 ? moved(sent_, g, k) : g;
      for (std::size_t j = 0; j < dim; ++j) x_[j] -= stepsize * sent_[j];
      w_ = of == "model" ? moved(w_, x_, k) : x_;
    }
    return norms;
  }

 private:
  Vector gradient(std::uint32_t i) const {
    Vector out(dim);
    problems_[i].evaluate(problems_[i].context(0, i, stepsize), w_.data(), nullptr, out.data());
    return out;
  }
  Vector mean() const {
    Vector out(dim, 0.0);
    for (const Vector& g : g_)
      for (std::size_t j = 0; j < dim; ++j) out[j] += g[j] / workers;
    return out;
  }
  double norm_sq_of_gradient() const {
    Vector sum(dim, 0.0);
    for (std::uint32_t i = 0; i < workers; ++i) {
      const Vector own = gradient(i);
      for (std::size_t j = 0; j < dim; ++j) sum[j] += own[j] / workers;
    }
    return std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0);
  }

  std::vector<Problem> problems_;
  std::vector<Vector> g_;
  Vector x_ = Vector(dim), w_, sent_;
};

class AgainstALoop : public BothWays, public testing::WithParamInterface<const char*> {};

TEST_P(AgainstALoop, TakesTheSameSteps) {
  const std::string of = GetParam();
  static_cast<void>(summary("run", downlink(of, "plugin=\"topk\",k=7") + Set{"optimizer.stepsize=0.01"}));
  const Vector expected = Loop(load_config(config_, {})).run(of, 7);
  const std::vector<json> lines = read_metrics(folder_.path("run"));
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    ASSERT_NEAR(lines[i]["grad_norm_sq"].get<double>(), expected[i], 1e-12 * expected.front()) << "round " << i;
  EXPECT_LT(expected.back(), 0.9 * expected.front());
}

INSTANTIATE_TEST_SUITE_P(Of, AgainstALoop, testing::Values("model", "gradient"),
                         [](const auto& of) { return std::string(of.param); });

// ---- limits, transports, restarts

TEST_F(BothWays, WithoutLossItIsTheRunWithout) {
  for (const char* step : {"optimizer.stepsize=0.01", "optimizer.stepsize=\"theory\""}) {
    const json without = summary("without", {step});
    for (const char* of : {"model", "gradient"})
      for (const char* all : {"plugin=\"identity\"", "plugin=\"topk\",k=50"})
        EXPECT_EQ(summary("with", downlink(of, all) + Set{step})["x_hash"], without["x_hash"]) << of << all << step;
  }
}

TEST_F(BothWays, IsTheSameOnEveryTransport) {
  for (const char* of : {"model", "gradient"})
    for (const Set& more : {Set{}, Set{"workers.participation=0.5"}, Set{"run.dtype=f32"}}) {
      const Set set = downlink(of, scaled_randk) + Set{"optimizer.stepsize=0.01"} + more;
      const json threads = summary("threads", set);
      for (const char* transport : {"tcp", "shm"}) {
        const json other = summary(transport, set + Set{std::string("transport.plugin=") + transport});
        EXPECT_EQ(other["x_hash"], threads["x_hash"]) << transport;
        EXPECT_EQ(other["downlink_bits_per_worker"], threads["downlink_bits_per_worker"]) << transport;
      }
    }
}

/// MARINA's coin, DIANA's loans and a state of its own, on the way down.
TEST_F(BothWays, CarriesAnyMechanism) {
  for (const char* mechanism :
       {"plugin=\"marina\",p=0.1,unbiased={plugin=\"randk\",k=5}", "plugin=\"diana\",unbiased={plugin=\"randk\",k=5}",
        "plugin=\"clag\",zeta=2,compressor={plugin=\"topk\",k=5}", "plugin=\"ef14\",compressor={plugin=\"topk\",k=5}",
        "plugin=\"3pcv2\",unbiased={plugin=\"randk\",k=5},compressor={plugin=\"topk\",k=5}"})
    for (const char* of : {"model", "gradient"}) {
      const Set set = {"downlink={of=\"" + std::string(of) + "\"," + mechanism + "}", "optimizer.stepsize=0.005"};
      const json threads = summary("threads", set);
      EXPECT_EQ(summary("tcp", set + Set{"transport.plugin=tcp"})["x_hash"], threads["x_hash"]) << of << mechanism;
    }
}

TEST_F(BothWays, GoesOnWithTheSameBits) {
  for (const char* of : {"model", "gradient"}) {
    const Set set = downlink(of, scaled_randk) + Set{"optimizer.stepsize=0.01"};
    static_cast<void>(summary("run", set + Set{"run.rounds=120", "transport.plugin=tcp"}));
    const Result more = run_program({"run", "--quiet", "--resume", folder_.path("run"), "--set", "run.rounds=300",
                                     "--set", "transport.plugin=shm"});
    EXPECT_EQ(more.exit_code, 0) << more.err;
    const json whole = summary("whole", set), resumed = read_summary(folder_.path("run"));
    EXPECT_EQ(resumed["x_hash"], whole["x_hash"]) << of;
    EXPECT_EQ(resumed["downlink_bits_per_worker"], whole["downlink_bits_per_worker"]) << of;
  }
}

// ---- theory

/// On f the step size from theory never lets the Lyapunov function grow; f alone may.
TEST_F(BothWays, TheStepSizeFromTheoryConverges) {
  const Set slow = {"run.rounds=4000", "run.evaluate_every=50", "mechanism.compressor.k=25"};
  for (const char* of : {"model", "gradient"}) {
    static_cast<void>(summary("run", downlink(of, "plugin=\"topk\",k=40") + slow));
    const std::vector<json> lines = read_metrics(folder_.path("run"));
    EXPECT_LT(lines.back()["grad_norm"], 0.2 * lines.front()["grad_norm"].get<double>()) << of;
    for (std::size_t i = 1; i < lines.size(); ++i)
      EXPECT_LE(lines[i]["f"], lines[i - 1]["f"].get<double>() + 1e-12) << of << " line " << i;
  }
}

TEST_F(BothWays, TheStepSizeFromTheoryConvergesOnPhishing) {
  if (std::getenv("THREEPC_DATA") == nullptr) GTEST_SKIP() << "THREEPC_DATA names no folder with the phishing data";
  for (const char* of : {"model", "gradient"}) {
    const json end = summary(
        "phishing", downlink(of, "plugin=\"topk\",fraction=0.3") +
                        Set{"problem={plugin=\"logreg\",data=\"phishing\",regularizer=\"nonconvex\",lambda=0.1}",
                            "workers.count=20", "mechanism.compressor.k=17", "run.rounds=20000",
                            "run.evaluate_every=500", "run.stop.grad_norm=1e-3"});
    EXPECT_EQ(end["stopped_by"], "grad_norm") << of;
    const std::vector<json> lines = read_metrics(folder_.path("phishing"));
    for (std::size_t i = 1; i < lines.size(); ++i)
      EXPECT_LE(lines[i]["f"], lines[i - 1]["f"].get<double>() + 1e-12) << of << " line " << i;
  }
}

TEST_F(BothWays, SaysWhyThereIsNoStepSize) {
  const Result pl = run("pl", downlink("model", "plugin=\"topk\",k=7") + Set{"optimizer.mu=0.1"});
  EXPECT_EQ(pl.exit_code, 2);
  EXPECT_THAT(pl.err, HasSubstr("[optimizer] mu belongs to runs without a mechanism in [downlink]"));
  const Result unknown = run("unknown", {"downlink={of=\"model\",plugin=\"ef14\",compressor={plugin=\"topk\",k=7}}"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("has no known constants A and B"));
}

TEST_F(BothWays, RefusesWhatDoesNotBelongTogether) {
  const auto error = [&](const Set& set) {
    const Result result = run("wrong", set);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"downlink={plugin=\"ef21\",compressor={plugin=\"topk\"}}"}), HasSubstr("needs of = \"model\""));
  EXPECT_THAT(error({"downlink.of=model"}), HasSubstr("needs the key 'plugin'"));
  EXPECT_THAT(error(downlink("sideways", "plugin=\"topk\"")), HasSubstr("model"));
  EXPECT_THAT(error(downlink("model", "plugin=\"topk\"") + Set{"downlink.replay=true"}),
              HasSubstr("without a mechanism"));
  EXPECT_THAT(error(downlink("gradient", "plugin=\"topk\"") + Set{"optimizer={plugin=\"adam\",stepsize=0.1}"}),
              HasSubstr("whose steps workers can make with the same bits"));
}

}  // namespace
}  // namespace threepc::test
