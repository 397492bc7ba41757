// g is the mean of the g_i: over very many rounds, in f32 too, with workers that reset together or alone.
#include "runtime/aggregate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <threepc/sdk.hpp>

#include "failure.hpp"
#include "plugin/catalog.hpp"
#include "wire/mechanism_tree.hpp"

namespace threepc {
namespace {

/// Resets whole in the rounds that are a multiple of worker + 2, and otherwise adds a compressed difference.
template <class T>
class ResetsAlone {
 public:
  static constexpr tpc::About about = {
      .id = "resets-alone", .version = "1.0.0", .summary = "For this test.", .capabilities = TPC_RESETS_ALONE};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {tpc::compressor_slot("compressor", tpc::Accepts::any, "C")};
  ResetsAlone(const tpc::NoOptions&, const tpc::Setup&) {}
  tpc::Constants constants(std::span<const tpc::Constants>) const { return {}; }
  void propose(const tpc::Context& context, const tpc::Points<T>& p, tpc::Program<T>& program) {
    if (context.round() % (context.worker() + 2) == 0)
      program.reset(tpc::dense, p.x);
    else
      program.add(0, p.x, p.h);
  }
};

const Catalog& catalog() {
  static const Catalog all({THREEPC_TEST_PLUGINS});
  return all;
}

PluginSpec compressor(const char* id, std::int64_t k) {
  const Entry& entry = catalog().find(TPC_COMPRESSOR, id, "test");
  PluginSpec spec{entry.descriptor, entry.file, "mechanism.compressor", {Value(k), std::nullopt}, {}, {}};
  if (entry.descriptor->param_count == 3) spec.values.emplace_back(Value(false));
  return spec;
}

PluginSpec mechanism(const tpc_descriptor* descriptor, const PluginSpec& child) {
  PluginSpec spec{descriptor, "test", "mechanism", {}, {}, {}};
  if (descriptor->slot_count > 0) spec.children.push_back(child);
  return spec;
}

template <class T>
T* values(RawVector& v) {
  return static_cast<T*>(v.data());
}

/// n workers and a server, with gradients that wander: the largest |g - mean g_i| seen.
template <class T>
double largest_drift(const PluginSpec& spec, std::uint64_t rounds) {
  constexpr std::uint32_t n = 3, d = 8;
  const tpc_dtype dtype = sizeof(T) == 4 ? TPC_F32 : TPC_F64;
  MechanismTree server(spec, {dtype, d, n, TPC_SERVER, 7});
  Aggregate aggregate(server, {dtype, d, n, TPC_SERVER, 7});
  std::vector<MechanismTree> trees;
  std::vector<TrackedVector> h;
  for (std::uint32_t i = 0; i < n; ++i) {
    trees.emplace_back(spec, Membership{dtype, d, n, i, 7});
    h.emplace_back(dtype, d);
  }
  RawVector x(dtype, d), y(dtype, d), g(dtype, d);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<std::uint8_t> message;
  double drift = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    // Large at first, then small: what early rounds leave behind would stay visible for ever.
    const double size = round < rounds / 2 ? 1e3 : 1e-3;
    aggregate.begin_round(round);
    for (std::uint32_t i = 0; i < n; ++i) {
      std::swap(x, y);
      for (std::uint32_t j = 0; j < d; ++j) values<T>(x)[j] = static_cast<T>(size * normal(random));
      if (round == 0)
        trees[i].propose_initial(h[i], x.data(), message);
      else
        trees[i].propose(round, 0.1, h[i], y.data(), x.data(), message);
      aggregate.absorb(i, message);
    }
    if (round + 100 < rounds) continue;
    EXPECT_TRUE(aggregate.mean(g));
    for (std::uint32_t j = 0; j < d; ++j) {
      double mean = 0;
      for (TrackedVector& own : h)
        mean += (double{static_cast<const T*>(own.sum().data())[j]} +
                 double{static_cast<const T*>(own.error().data())[j]}) /
                n;
      drift = std::max(drift, std::abs(values<T>(g)[j] - mean) / size);
    }
  }
  return drift;
}

TEST(Aggregate, StaysTheMeanOverAMillionMessages) {
  const PluginSpec ef21 = mechanism(catalog().find(TPC_MECHANISM, "ef21", "test").descriptor, compressor("topk", 3));
  EXPECT_LE(largest_drift<double>(ef21, 350000), 1e-14);
  EXPECT_LE(largest_drift<float>(ef21, 350000), 1e-6);
}

TEST(Aggregate, FollowsWorkersThatResetAlone) {
  const PluginSpec spec = mechanism(&tpc::mechanism<ResetsAlone>, compressor("randk", 2));
  EXPECT_LE(largest_drift<double>(spec, 5000), 1e-13);
  EXPECT_LE(largest_drift<float>(spec, 5000), 1e-5);
}

TEST(Aggregate, FollowsWorkersThatResetTogether) {
  const PluginSpec spec = mechanism(catalog().find(TPC_MECHANISM, "gd", "test").descriptor, {});
  EXPECT_LE(largest_drift<double>(spec, 5000), 1e-15);
}

TEST(Aggregate, RefusesAResetThatTheMechanismDoesNotDeclare) {
  const PluginSpec spec = mechanism(catalog().find(TPC_MECHANISM, "ef21", "test").descriptor, compressor("topk", 1));
  const Membership server{TPC_F64, 2, 1, TPC_SERVER, 1};
  const MechanismTree tree(spec, server);
  Aggregate aggregate(tree, server);
  std::vector<std::uint8_t> dense_reset(1 + 16);
  dense_reset[0] = 2 | 4;
  aggregate.begin_round(1);
  EXPECT_THROW(aggregate.absorb(0, dense_reset), Failure);
}

TEST(Aggregate, RefusesWorkersThatDoNotResetTogether) {
  const PluginSpec spec = mechanism(catalog().find(TPC_MECHANISM, "gd", "test").descriptor, {});
  const Membership server{TPC_F64, 2, 2, TPC_SERVER, 1};
  const MechanismTree tree(spec, server);
  Aggregate aggregate(tree, server);
  std::vector<std::uint8_t> dense_reset(1 + 16);
  dense_reset[0] = 2 | 4;
  aggregate.begin_round(1);
  aggregate.absorb(0, dense_reset);
  EXPECT_THROW(aggregate.absorb(1, {}), Failure);
}

}  // namespace
}  // namespace threepc
