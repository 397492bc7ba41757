// What goes down leads every worker to the server's x, whatever it has missed, and costs what is counted.
#include "members/star/downlink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <threepc/sdk.hpp>
#include <tuple>

#include "plugin/catalog.hpp"
#include "vector/change.hpp"

namespace threepc {
namespace {

/// A random vector of a dtype.
RawVector draw(std::mt19937& random, tpc_dtype dtype, std::uint32_t dim) {
  RawVector v(dtype, dim);
  std::normal_distribution<double> normal;
  for (std::uint32_t j = 0; j < dim; ++j)
    if (dtype == TPC_F32)
      static_cast<float*>(v.data())[j] = static_cast<float>(normal(random));
    else
      static_cast<double*>(v.data())[j] = normal(random);
  return v;
}

/// v with `count` coordinates of another.
RawVector altered(std::mt19937& random, RawVector v, std::uint32_t count) {
  const RawVector other = draw(random, v.dtype(), v.dim());
  const std::size_t size = size_of(v.dtype());
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t j = random() % v.dim();
    std::memcpy(static_cast<char*>(v.data()) + j * size, other.bytes() + j * size, size);
  }
  return v;
}

bool same_bits(const RawVector& a, const RawVector& b) {
  return a.size_bytes() == b.size_bytes() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// ---- changes

class Change : public testing::TestWithParam<tpc_dtype> {};

TEST_P(Change, LeadsFromTheOneToTheOther) {
  std::mt19937 random(1);
  for (const std::uint32_t dim : {1u, 2u, 127u, 128u, 129u, 20000u})
    for (const std::uint32_t count : {0u, 1u, 5u, dim / 2, 3 * dim}) {
      const RawVector before = draw(random, GetParam(), dim), after = altered(random, before, count);
      Bytes bytes;
      append_change(bytes, &before, after);
      EXPECT_LE(bytes.size(), sizeof(std::uint32_t) + after.size_bytes());
      RawVector v = before;
      tpc::Reader in(bytes.data(), bytes.size());
      take_change(in, v);
      EXPECT_EQ(in.remaining(), 0u);
      EXPECT_TRUE(same_bits(v, after)) << dim << " " << count;
    }
}

TEST_P(Change, FewCoordinatesAreFewBytes) {
  std::mt19937 random(1);
  const RawVector before = draw(random, GetParam(), 100000);
  Bytes bytes;
  append_change(bytes, &before, altered(random, before, 100));
  EXPECT_LE(bytes.size(), sizeof(std::uint32_t) + 100 * (2 + size_of(GetParam())) + 100);
}

TEST_P(Change, ComparesBits) {
  RawVector before(GetParam(), 3), after(GetParam(), 3), v(GetParam(), 3);
  const auto set = [&](RawVector& to, std::size_t j, double value) {
    if (GetParam() == TPC_F32)
      static_cast<float*>(to.data())[j] = static_cast<float>(value);
    else
      static_cast<double*>(to.data())[j] = value;
  };
  set(after, 0, -0.0), set(before, 1, NAN), set(after, 1, NAN), set(v, 1, NAN), set(after, 2, INFINITY);
  Bytes bytes;
  append_change(bytes, &before, after);
  tpc::Reader in(bytes.data(), bytes.size());
  take_change(in, v);
  EXPECT_TRUE(same_bits(v, after));
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Change, testing::Values(TPC_F32, TPC_F64),
                         [](const auto& dtype) { return dtype.param == TPC_F32 ? "f32" : "f64"; });

TEST(HostileChange, IsRefused) {
  const std::vector<Bytes> hostile = {{},
                                      {1, 0, 0},                                               // no count
                                      {9, 0, 0, 0},                                            // more than there are
                                      {1, 0, 0, 0, 8, 0, 0, 0, 0},                             // beyond the end
                                      {2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},              // twice the same
                                      {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},  // no 32-bit number
                                      {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0},
                                      {1, 0, 0, 0, 1, 0, 0, 0},  // a byte too few
                                      {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}};
  for (const Bytes& bytes : hostile) {
    RawVector v(TPC_F32, 8);
    tpc::Reader in(bytes.data(), bytes.size());
    EXPECT_THROW(take_change(in, v), tpc::Error) << testing::PrintToString(bytes);
  }
}

// ---- letters

/// x <- x - gamma (g + 0.5 m), m <- g: it has a state, and its rounds are not alike.
template <class T>
class Stateful {
 public:
  static constexpr tpc::About about = {.id = "stateful",
                                       .version = "1.0.0",
                                       .summary = "For this test.",
                                       .capabilities = TPC_REPLAYABLE,
                                       .state_vectors = 1};
  static constexpr auto params = tpc::params();
  Stateful(const tpc::NoOptions&, const tpc::Setup&) {}
  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T> state) {
    const T stepsize = static_cast<T>(context.stepsize() * (context.round() % 3 == 0 ? 1 : 2));
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] -= stepsize * (g[j] + T{0.5} * state[0][j]);
      state[0][j] = g[j];
    }
  }
};

tpc_descriptor transport() {
  tpc_descriptor out = {};
  out.struct_size = sizeof out;
  out.kind = TPC_TRANSPORT;
  out.id = "none";
  return out;
}

using Of = DownlinkConfig::Of;

PluginSpec ef21_top5() {
  static const Catalog catalog({THREEPC_TEST_PLUGINS});
  const Entry& topk = catalog.find(TPC_COMPRESSOR, "topk", "test");
  const Entry& ef21 = catalog.find(TPC_MECHANISM, "ef21", "test");
  PluginSpec child{topk.descriptor, topk.file, "downlink.compressor", {}, {}, {}};
  child.values.resize(topk.descriptor->param_count);
  child.values.front() = std::int64_t{5};
  return {ef21.descriptor, ef21.file, "downlink", {}, {child}, {}};
}

/// A server and its workers without anything between them.
class Letters : public testing::TestWithParam<std::tuple<tpc_dtype, Of>> {
 protected:
  static constexpr std::uint32_t workers = 3, dim = 400;

  Letters() {
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      replicas_.push_back(std::make_unique<ModelReplica>(config_, membership_));
    downlink_.begin();
  }

  /// Worker `worker` is asked, and gets to the model of the round. Returns what counts.
  std::uint64_t ask(std::uint32_t worker) {
    const std::uint64_t counted = downlink_.count(worker, true).method;
    const Downlink::Letter letter = downlink_.letter(worker);
    forms_.push_back(letter.form);
    EXPECT_EQ(counted, letter.bytes.size()) << "worker " << worker << " in round " << round_;
    if (letter.form != Form::model) read(worker, letter);
    return counted;
  }
  void read(std::uint32_t worker, const Downlink::Letter& letter) {
    EXPECT_TRUE(read_letter(letter.form, letter.bytes, round_, *replicas_[worker])) << worker;
    EXPECT_TRUE(same_bits(replicas_[worker]->model(), downlink_.model())) << worker << " in round " << round_;
  }
  void begin() { downlink_.begin_round(round_); }
  /// With `changes` new coordinates in g.
  void step(std::uint32_t changes) {
    server_.g() = g_ = altered(random_, g_, changes);
    downlink_.step(0.125 + 0.001 * static_cast<double>(round_));
    ++round_;
  }

  std::mt19937 random_{7};
  tpc_descriptor transport_ = transport();
  RunConfig config_ = configuration();
  Membership membership_{std::get<0>(GetParam()), dim, workers, TPC_SERVER, 1};
  Iterate server_{config_.optimizer, membership_};
  RawVector g_{membership_.dtype, dim};
  Downlink downlink_{config_, membership_, server_};
  std::vector<std::unique_ptr<ModelReplica>> replicas_;
  std::vector<Form> forms_;
  std::uint64_t round_ = 0;

 private:
  RunConfig configuration() {
    RunConfig config;
    config.workers = workers;
    config.optimizer = {&tpc::optimizer<Stateful>, "test", "optimizer", {}, {}, {}};
    config.transport = {&transport_, "test", "transport", {}, {}, {}};
    config.downlink.of = std::get<1>(GetParam());
    if (config.downlink.of != Of::steps) config.downlink.mechanism = ef21_top5();
    return config;
  }
};

TEST_P(Letters, AfterTheStartOnlyChangesGoDown) {
  for (int i = 0; i < 30; ++i) {
    begin();
    for (std::uint32_t worker = 0; worker < workers; ++worker) {
      const std::uint64_t size = ask(worker);
      const std::uint64_t most = round_ == 1 ? downlink_.model().size_bytes() + 40 : dim;  // g^0 is dense, and x^0 zero
      EXPECT_LE(size, most) << "round " << round_;
    }
    step(i == 0 ? 20 * dim : 5);
  }
  EXPECT_EQ(std::count(forms_.begin(), forms_.end(), Form::state), workers);
  EXPECT_EQ(std::count(forms_.begin(), forms_.end(), Form::steps), 29 * workers);
}

TEST_P(Letters, WhoComputesTheSameStartIsNotToldIt) {
  server_.x() = draw(random_, membership_.dtype, dim);
  Downlink downlink(config_, membership_, server_);
  downlink.begin();
  downlink.knows_start(1);
  replicas_[1]->start(server_.x());
  for (round_ = 0; round_ < 3; ++round_) {
    downlink.begin_round(round_);
    for (const std::uint32_t worker : {0u, 1u}) {
      const std::uint64_t counted = downlink.count(worker, true).method;
      const Downlink::Letter letter = downlink.letter(worker);
      EXPECT_EQ(counted, letter.bytes.size());
      if (round_ == 0 && worker == 1) {
        EXPECT_EQ(counted, 16u);
      }
      if (letter.form == Form::model) continue;
      EXPECT_TRUE(read_letter(letter.form, letter.bytes, round_, *replicas_[worker]));
      EXPECT_TRUE(same_bits(replicas_[worker]->model(), downlink.model())) << worker;
    }
    server_.g() = altered(random_, server_.g(), 5);
    downlink.step(0.25);
  }
}

TEST_P(Letters, WhoMissesRoundsCatchesUp) {
  for (int i = 0; i < 400; ++i) {
    begin();
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      if (i == 0 || random_() % (worker * worker * 20 + 1) == 0) ask(worker);
    step(i == 0 || i % 50 == 0 ? 20 * dim : random_() % 20);
  }
  for (const Form form : {Form::model, Form::steps, Form::state})
    EXPECT_GT(std::count(forms_.begin(), forms_.end(), form), 0);
}

TEST_P(Letters, NobodyEverPaysMoreThanForX) {
  for (int i = 0; i < 60; ++i) {
    begin();
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      EXPECT_LE(ask(worker), downlink_.model().size_bytes() + 40);
    step(20 * dim);
  }
}

TEST_P(Letters, OneThatWasLostIsGivenAllThatItNeeds) {
  for (int i = 0; i < 40; ++i) {
    begin();
    if (i == 20) {
      Bytes restoration;
      downlink_.append_restoration(1, restoration);
      tpc::Reader in(restoration.data(), restoration.size());
      const auto at = in.get<std::uint64_t>();
      EXPECT_EQ(at, round_);
      replicas_[1] = std::make_unique<ModelReplica>(config_, membership_);
      replicas_[1]->take_state(in, at);
    }
    for (std::uint32_t worker = 0; worker < workers; ++worker) {
      const std::uint64_t counted = downlink_.count(worker, true).method;
      const Downlink::Letter letter = downlink_.letter(worker);
      if (worker != 1 || i != 20) {
        EXPECT_EQ(counted, letter.bytes.size()) << "what it is given beyond that does not count";
      }
      read(worker, letter);
    }
    step(7);
  }
}

TEST_P(Letters, OneWhoseStepsLeadElsewhereIsSentX) {
  begin();
  for (std::uint32_t worker = 0; worker < workers; ++worker) ask(worker);
  step(5);
  begin();
  downlink_.count(2, true);
  EXPECT_EQ(downlink_.letter(2).form, Form::steps);
  EXPECT_TRUE(downlink_.distrust(2));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(downlink_.letter(2).form, Form::model);
    EXPECT_FALSE(downlink_.distrust(2)) << "it was sent no steps";
    step(5);
    begin();
    EXPECT_EQ(downlink_.count(2, true).method, downlink_.model().size_bytes());
  }
}

TEST_P(Letters, AFlippedBitIsSeen) {
  begin();
  ask(0);
  step(5);
  begin();
  downlink_.count(0, true);
  const Downlink::Letter letter = downlink_.letter(0);
  EXPECT_FALSE(read_letter(letter.form, letter.bytes, round_, *replicas_[1])) << "it has no state yet";
  Bytes flipped(letter.bytes.begin(), letter.bytes.end());
  flipped[9] ^= 0x20;  // of the hash: a model that is other by one bit has another
  EXPECT_FALSE(read_letter(letter.form, flipped, round_, *replicas_[0]));
}

TEST_P(Letters, GoOnFromACheckpoint) {
  for (int i = 0; i < 10; ++i) {
    begin();
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      if (i == 0 || worker < 2) ask(worker);
    step(3);
  }
  Bytes saved;
  downlink_.save(saved);
  Downlink again(config_, membership_, server_);
  tpc::Reader in(saved.data(), saved.size());
  again.load(in);
  in.finish();
  again.begin_round(round_);
  begin();
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    Bytes ignored;
    again.append_restoration(worker, ignored);
    EXPECT_EQ(again.count(worker, true).method, downlink_.count(worker, true).method) << worker;
  }
  for (std::size_t size = 0; size < saved.size(); size += 7) {
    tpc::Reader torn(saved.data(), size);
    EXPECT_THROW(Downlink(config_, membership_, server_).load(torn), tpc::Error) << size;
  }
}

TEST_P(Letters, ARoundThatHasNotBeenCountsAgain) {
  begin();
  for (std::uint32_t worker = 0; worker < workers; ++worker) ask(worker);
  step(4);
  begin();
  const std::uint64_t once = downlink_.count(0, true).method;
  downlink_.undo_round();
  begin();
  EXPECT_EQ(downlink_.count(0, true).method, once);
}

std::string name_of(const std::tuple<tpc_dtype, Of>& one) {
  const char* const names[] = {"steps", "gradient", "model"};
  return std::string(names[static_cast<int>(std::get<1>(one))]) + (std::get<0>(one) == TPC_F32 ? "_f32" : "_f64");
}

INSTANTIATE_TEST_SUITE_P(All, Letters,
                         testing::Combine(testing::Values(TPC_F32, TPC_F64),
                                          testing::Values(Of::steps, Of::gradient, Of::model)),
                         [](const auto& one) { return name_of(one.param); });

}  // namespace
}  // namespace threepc
