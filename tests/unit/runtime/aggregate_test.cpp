// g is the mean of the g_i: over very many rounds, in f32 too, with workers that reset together or alone.
#include "method/aggregate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <random>
#include <threepc/sdk.hpp>

#include "failure.hpp"
#include "method/encoder.hpp"
#include "plugin/catalog.hpp"

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
  PluginSpec spec{entry.descriptor, entry.file, "mechanism.compressor", {}, {}, {}};
  spec.values.resize(entry.descriptor->param_count);
  spec.values.front() = k;
  if (entry.descriptor->param_count == 3) spec.values.back() = false;
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
  const Replica server(spec, {dtype, d, n, TPC_SERVER, 7});
  Aggregate aggregate(server, {dtype, d, n, TPC_SERVER, 7});
  std::vector<Encoder> encoders;
  for (std::uint32_t i = 0; i < n; ++i) encoders.emplace_back(spec, Membership{dtype, d, n, i, 7});
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
        encoders[i].propose_initial(x.data(), message);
      else
        encoders[i].propose(round, 0.1, y.data(), x.data(), message);
      aggregate.absorb(i, message);
    }
    if (round + 100 < rounds) continue;
    EXPECT_TRUE(aggregate.combine(g));
    for (std::uint32_t j = 0; j < d; ++j) {
      double mean = 0;
      for (const Encoder& encoder : encoders)
        mean += (double{static_cast<const T*>(encoder.h().sum().data())[j]} +
                 double{static_cast<const T*>(encoder.h().error().data())[j]}) /
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

/// A worker, and what a run that loses it and takes it back does with it.
struct Straggler {
  Encoder encoder;
  std::vector<std::uint8_t> message;
  std::optional<std::uint64_t> owed;  // the round of a message that is under way
};

/// A round that is undone and made again, and one in which an update is taken out and put back, end with the same bits;
/// one that is damaged in the middle leaves those of a round without it.
template <class Message>
void expect_that_rounds_can_be_undone(Aggregate& aggregate, std::uint64_t round,
                                      const std::vector<std::uint32_t>& absent,
                                      const std::vector<std::uint32_t>& present, Message message) {
  const auto bits = [&] {
    std::vector<std::uint8_t> out;
    aggregate.save(out);
    return out;
  };
  const std::vector<std::uint8_t> whole = bits();
  aggregate.undo_round();
  aggregate.begin_round(round, absent);
  for (const std::uint32_t i : present) aggregate.absorb(i, message(i));
  ASSERT_EQ(bits(), whole) << "round " << round;
  if (present.empty()) return;
  const std::uint32_t i = present[round % present.size()];
  aggregate.redo(i, std::nullopt);
  const std::vector<std::uint8_t> without = bits();
  // Sound at first, with a second operation that cannot be decoded.
  std::vector<std::uint8_t> damaged = {1, 64};
  damaged.resize(2 + 64);
  damaged.insert(damaged.end(), {1 | 4 | 1 << 3, 0xff});
  ASSERT_THROW(aggregate.redo(i, damaged), Failure);
  ASSERT_EQ(bits(), without) << "round " << round;
  aggregate.redo(i, message(i));
  ASSERT_EQ(bits(), whole) << "round " << round;
}

/// Workers that miss rounds, are late, are replaced by new ones that get their state back, leave for good and join
/// again, at random: the largest |g - mean g_i| over the members seen, g_i of a late one being that before its message.
template <class T>
double largest_drift_with_absences(const PluginSpec& spec, std::uint64_t rounds) {
  constexpr std::uint32_t n = 4, d = 8;
  const tpc_dtype dtype = sizeof(T) == 4 ? TPC_F32 : TPC_F64;
  const Replica server(spec, {dtype, d, n, TPC_SERVER, 7});
  Aggregate aggregate(server, {dtype, d, n, TPC_SERVER, 7}, Ledger::Shrinks::by_replaying);
  std::vector<Straggler> workers;
  for (std::uint32_t i = 0; i < n; ++i) workers.push_back({Encoder(spec, Membership{dtype, d, n, i, 7}), {}, {}});
  RawVector x(dtype, d), y(dtype, d), g(dtype, d);
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  double drift = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (std::uint32_t i = 0; i < n; ++i) {
      Straggler& worker = workers[i];
      if (worker.owed && random() % 2 == 0) aggregate.absorb_late(*worker.owed, i, worker.message), worker.owed.reset();
      if (!worker.owed && random() % 10 == 0)
        worker.encoder.h() = aggregate.state_of(i);  // it was lost, and is another process
      if (round > 0 && i > 0 && !worker.owed && random() % 20 == 0) aggregate.remove(i), worker.encoder.h().clear();
    }
    std::vector<std::uint32_t> absent;
    std::vector<std::uint32_t> present;
    for (std::uint32_t i = 0; i < n; ++i) {
      Straggler& worker = workers[i];
      const bool asked = !worker.owed && (round == 0 || random() % 4 != 0);
      const bool late = asked && aggregate.is_member(i) && random() % 4 == 0;
      (asked && !late ? present : absent).push_back(i);
      if (!asked) continue;
      for (RawVector* v : {&y, &x})
        for (std::uint32_t j = 0; j < d; ++j) values<T>(*v)[j] = static_cast<T>(normal(random));
      if (!aggregate.is_member(i))
        worker.encoder.propose_initial(x.data(), worker.message);
      else
        worker.encoder.propose(round, 0.1, y.data(), x.data(), worker.message);
      if (late) worker.owed = round;
    }
    aggregate.begin_round(round, absent);
    for (const std::uint32_t i : present) aggregate.absorb(i, workers[i].message);
    EXPECT_TRUE(aggregate.combine(g));
    expect_that_rounds_can_be_undone(aggregate, round, absent, present, [&](std::uint32_t i) {
      return std::span<const std::uint8_t>(workers[i].message);
    });
    for (std::uint32_t j = 0; j < d; ++j) {
      double mean = 0, members = 0;
      for (std::uint32_t i = 0; i < n; ++i) {
        if (!aggregate.is_member(i)) continue;
        const TrackedVector h = workers[i].owed ? aggregate.state_of(i) : workers[i].encoder.h();
        mean += double{static_cast<const T*>(h.sum().data())[j]};
        ++members;
      }
      mean /= members;
      drift = std::max(drift, std::abs(values<T>(g)[j] - mean));
    }
  }
  return drift;
}

TEST(Aggregate, IsTheMeanWhoeverIsAbsentLateReplacedOrNew) {
  const Catalog& all = catalog();
  const PluginSpec ef21 = mechanism(all.find(TPC_MECHANISM, "ef21", "test").descriptor, compressor("topk", 3));
  const PluginSpec gd = mechanism(all.find(TPC_MECHANISM, "gd", "test").descriptor, {});
  const PluginSpec alone = mechanism(&tpc::mechanism<ResetsAlone>, compressor("topk", 2));
  for (const PluginSpec& spec : {ef21, gd, alone}) {
    SCOPED_TRACE(spec.descriptor->id);
    EXPECT_LE(largest_drift_with_absences<double>(spec, 5000), 1e-14);
    EXPECT_LE(largest_drift_with_absences<float>(spec, 5000), 1e-6);
  }
}

TEST(Aggregate, ASavedOneGoesOnWithTheSameBits) {
  const PluginSpec spec = mechanism(&tpc::mechanism<ResetsAlone>, compressor("randk", 2));
  const Membership server{TPC_F64, 2, 1, TPC_SERVER, 1};
  const Replica tree(spec, server);
  Encoder worker(spec, {TPC_F64, 2, 1, 0, 1});
  RawVector x(TPC_F64, 2), g(TPC_F64, 2), again(TPC_F64, 2);
  std::vector<std::uint8_t> message, saved;
  Aggregate first(tree, server), second(tree, server);
  for (std::uint64_t round = 1; round < 20; ++round) {
    for (std::uint32_t j = 0; j < 2; ++j) values<double>(x)[j] = 1.0 / static_cast<double>(round + j);
    worker.propose(round, 0.1, x.data(), x.data(), message);
    for (Aggregate* aggregate : {&first, &second}) {
      if (aggregate == &second && round < 10) continue;
      aggregate->begin_round(round);
      aggregate->absorb(0, message);
    }
    if (round != 9) continue;
    first.save(saved);
    tpc::Reader in(saved.data(), saved.size());
    second.load(in);
    in.finish();
  }
  first.combine(g);
  second.combine(again);
  EXPECT_EQ(std::memcmp(g.data(), again.data(), g.size_bytes()), 0);
}

TEST(Aggregate, RefusesAResetThatTheMechanismDoesNotDeclare) {
  const PluginSpec spec = mechanism(catalog().find(TPC_MECHANISM, "ef21", "test").descriptor, compressor("topk", 1));
  const Membership server{TPC_F64, 2, 1, TPC_SERVER, 1};
  const Replica tree(spec, server);
  Aggregate aggregate(tree, server);
  std::vector<std::uint8_t> dense_reset(1 + 16);
  dense_reset[0] = 2 | 4;
  aggregate.begin_round(0);
  aggregate.absorb(0, dense_reset);
  aggregate.begin_round(1);
  EXPECT_THROW(aggregate.absorb(0, dense_reset), Failure);
}

TEST(Aggregate, RefusesWorkersThatDoNotResetTogether) {
  const PluginSpec spec = mechanism(catalog().find(TPC_MECHANISM, "gd", "test").descriptor, {});
  const Membership server{TPC_F64, 2, 2, TPC_SERVER, 1};
  const Replica tree(spec, server);
  Aggregate aggregate(tree, server);
  std::vector<std::uint8_t> dense_reset(1 + 16);
  dense_reset[0] = 2 | 4;
  for (const std::uint64_t round : {0, 1}) {
    aggregate.begin_round(round);
    aggregate.absorb(0, dense_reset);
    if (round == 0) aggregate.absorb(1, dense_reset);
  }
  EXPECT_THROW(aggregate.absorb(1, {}), Failure);
}

}  // namespace
}  // namespace threepc
