// What a configuration becomes: defaults, overrides, the written-out form, and what hosts must agree on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "members/messages.hpp"
#include "scratch_folder.hpp"

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using threepc::RunConfig;
using threepc::to_toml;
using threepc::Value;

namespace {

class RunConfigTest : public ScratchFolder {};

constexpr std::string_view full = R"([run]
name = "second"
seed = 9223372036854775807
dtype = "f32"
rounds = 0
out = "results/second"
evaluate_every = 7
[run.stop]
grad_norm = 1e-4
grad_norm_sq = 1e-308
uplink_bits_per_worker = 1e9
seconds = 0.1
[workers]
count = 20
threads = 4
[problem]
plugin = "toy"
dim = 100
shape = "square"
shuffle = true
scale = 1
levels = [0, 0.1, 1e3]
[mechanism]
plugin = "nested"
init = "zero"
[mechanism.inner]
plugin = "lazy"
zeta = 8
[mechanism.inner.compressor]
plugin = "part"
k = 17
[mechanism.compressor]
plugin = "part"
fraction = 0.3333333333333333
[optimizer]
plugin = "gd"
stepsize = 0.1
multiplier = 4
[faults]
on_worker_loss = "wait"
patience = 7
round_deadline = 0.25
restarts = 0
[[faults.inject]]
kind = "kill"
worker = 3
round = 17
when = "send"
[[faults.inject]]
kind = "delay"
worker = -1
round = 18
seconds = 0.5
[checkpoint]
every_rounds = 100
every_seconds = 60
[transport]
plugin = "net"
timeout = 5
host = "a \"quoted\" host\twith\\ 'odd' characters é"
port = 4711
)";

std::optional<Value> value_of(const threepc::PluginSpec& spec, std::string_view key) {
  for (std::uint32_t i = 0; i < spec.descriptor->param_count; ++i)
    if (key == spec.descriptor->params[i]->key) return spec.values.at(i);
  ADD_FAILURE() << "no parameter " << key;
  return std::nullopt;
}

TEST_F(RunConfigTest, LeavesNothingWithoutADefault) {
  const RunConfig c = load(smallest);
  EXPECT_EQ(c.name, "run");
  EXPECT_EQ(c.seed, 1u);
  EXPECT_EQ(c.dtype, tpc_dtype{TPC_F64});
  EXPECT_EQ(c.rounds, 1000u);
  EXPECT_EQ(c.out, (folder_ / "runs/run").string());
  EXPECT_FALSE(c.evaluate_every) << "auto";
  EXPECT_FALSE(c.stop.grad_norm || c.stop.grad_norm_sq || c.stop.uplink_bits_per_worker || c.stop.seconds);
  EXPECT_EQ(c.workers, 1u);
  EXPECT_EQ(c.threads, std::nullopt);
  EXPECT_EQ(c.init, threepc::Init::gradient);
  EXPECT_FALSE(c.stepsize);
  EXPECT_EQ(c.multiplier, 1.0);
  EXPECT_EQ(c.timeout, 60.0);
  EXPECT_STREQ(c.optimizer.descriptor->id, "gd");
  EXPECT_STREQ(c.transport.descriptor->id, "inproc");
  EXPECT_EQ(value_of(c.problem, "shape"), Value(std::string("round")));
  EXPECT_EQ(value_of(c.problem, "shuffle"), Value(false));
  EXPECT_EQ(value_of(c.problem, "scale"), Value(0.1));
}

TEST_F(RunConfigTest, ReadsWhatIsWritten) {
  const RunConfig c = load(full);
  EXPECT_EQ(c.name, "second");
  EXPECT_EQ(c.seed, 9223372036854775807u);
  EXPECT_EQ(c.dtype, tpc_dtype{TPC_F32});
  EXPECT_EQ(c.rounds, 0u);
  EXPECT_EQ(c.evaluate_every, 7u);
  EXPECT_EQ(c.stop.grad_norm_sq, 1e-308);
  EXPECT_EQ(c.workers, 20u);
  EXPECT_EQ(c.threads, 4u);
  EXPECT_EQ(c.init, threepc::Init::zero);
  EXPECT_EQ(c.stepsize, 0.1);
  EXPECT_EQ(c.multiplier, 4.0);
  EXPECT_EQ(c.timeout, 5.0);
  EXPECT_EQ(value_of(c.transport, "port"), Value(std::int64_t{4711}));
  EXPECT_EQ(value_of(c.problem, "levels"), Value(std::vector{0.0, 0.1, 1e3}));
}

TEST_F(RunConfigTest, TakesAnIntegerForAReal) { EXPECT_EQ(value_of(load(full).problem, "scale"), Value(1.0)); }

TEST_F(RunConfigTest, NestsChildrenInTheOrderOfTheSlots) {
  const RunConfig c = load(full);
  ASSERT_EQ(c.mechanism.children.size(), 2u);
  const auto& inner = c.mechanism.children[0];
  EXPECT_STREQ(inner.descriptor->id, "lazy");
  EXPECT_EQ(inner.place, "mechanism.inner");
  EXPECT_EQ(value_of(inner, "zeta"), Value(8.0));
  ASSERT_EQ(inner.children.size(), 1u);
  EXPECT_EQ(inner.children[0].place, "mechanism.inner.compressor");
  EXPECT_EQ(value_of(inner.children[0], "k"), Value(std::int64_t{17}));
  EXPECT_EQ(value_of(inner.children[0], "fraction"), std::nullopt);
  EXPECT_EQ(c.mechanism.children[1].place, "mechanism.compressor");
}

TEST_F(RunConfigTest, RemembersWhereAParameterWasWritten) {
  const RunConfig c = load(full, {"mechanism.compressor.fraction=0.5"});
  EXPECT_THAT(c.problem.origin.at("dim"), HasSubstr("run.toml:18:1"));
  EXPECT_THAT(c.mechanism.children[1].origin.at("fraction"), HasSubstr("--set mechanism.compressor.fraction=0.5"));
}

TEST_F(RunConfigTest, WritesItselfInFull) {
  const std::string expected = R"([run]
name = "run"
seed = 1
dtype = "f64"
rounds = 1000
out = ")" + folder_.string() + R"(/runs/run"
evaluate = "exact"
evaluate_every = "auto"
measure = false

[run.stop]
divergence = 1e+09

[workers]
count = 1
start = 1
threads = "auto"
participation = 1.0

[problem]
plugin = "toy"
dim = 4
shape = "round"
shuffle = false
scale = 0.1

[mechanism]
plugin = "lazy"
zeta = 1.0
init = "gradient"
momentum = 1.0

[mechanism.compressor]
plugin = "part"
k = 2

[optimizer]
plugin = "gd"
stepsize = "theory"
multiplier = 1.0
schedule = "constant"
warmup = 0

[downlink]
replay = true

[transport]
plugin = "inproc"
timeout = 60.0

[faults]
on_worker_loss = "lazy"
restarts = 3

[checkpoint]
at_end = true
)";
  EXPECT_EQ(to_toml(load(smallest, {"mechanism.plugin=lazy", "mechanism.compressor={plugin='part', k=2}"})), expected);
}

TEST_F(RunConfigTest, LoadsWhatItWrote) {
  for (const std::string_view text : {smallest, full}) {
    const std::string once = to_toml(load(text));
    EXPECT_EQ(to_toml(load(once)), once);
  }
}

TEST_F(RunConfigTest, LoadsWhatItWroteFromAnotherFolder) {
  write("nested/data", "1 1:1\n");
  write("nested/run.toml",
        "[problem]\nplugin = \"onfile\"\ndata = \"data\"\n[mechanism]\nplugin = \"plain\"\n"
        "[plugins]\npath = [\".\"]\n");
  const std::string once = to_toml(threepc::load_config("nested/run.toml", {}));
  EXPECT_EQ(to_toml(load(once)), once);
  EXPECT_THAT(once, HasSubstr("path = [\"" + (folder_ / "nested").string()));
}

TEST_F(RunConfigTest, KeepsEveryBitOfAReal) {
  for (const char* real : {"0.1", "1e-4", "1e300", "1e22", "123456789012345680.0", "0.30000000000000004",
                           "2.2250738585072014e-308", "1e21", "1e16", "3"}) {
    const RunConfig c = load(smallest, {std::string("optimizer.stepsize=") + real});
    const std::string text = to_toml(c);
    EXPECT_EQ(load(text).stepsize, std::stod(real)) << text;
  }
}

TEST_F(RunConfigTest, OverridesApplyInOrder) { EXPECT_EQ(load(smallest, {"run.seed=3", "run.seed=4"}).seed, 4u); }

TEST_F(RunConfigTest, OverridesMakeMissingTables) {
  EXPECT_EQ(load(smallest, {"run.stop.grad_norm=1e-3"}).stop.grad_norm, 1e-3);
}

TEST_F(RunConfigTest, OverridesTakeBareWordsAsStrings) {
  EXPECT_STREQ(load(smallest, {"transport.plugin=net"}).transport.descriptor->id, "net");
  EXPECT_EQ(load(smallest, {"run.name=it's 3 = \"three\""}).name, "it's 3 = \"three\"");
  EXPECT_EQ(load(smallest, {"run.name=\"3\""}).name, "3");
  EXPECT_EQ(load(smallest, {"run.name = spaced"}).name, "spaced");
}

TEST_F(RunConfigTest, OverridesTakeTables) {
  const RunConfig c = load(smallest, {"mechanism={plugin='lazy', compressor={plugin='whole'}}"});
  EXPECT_STREQ(c.mechanism.children.at(0).descriptor->id, "whole");
}

TEST_F(RunConfigTest, OverridesByATableReplaceTheTable) {
  const RunConfig c = load(full, {"mechanism.compressor={plugin='whole'}"});
  EXPECT_STREQ(c.mechanism.children.at(1).descriptor->id, "whole");
}

TEST_F(RunConfigTest, OutOfTheCommandLineWins) {
  EXPECT_EQ(load(full, {}, "elsewhere").out, (folder_ / "elsewhere").string());
  EXPECT_EQ(load(full, {}, "/elsewhere/x").out, "/elsewhere/x");
}

TEST_F(RunConfigTest, OutIsRelativeToTheCurrentFolder) {
  write("configs/run.toml", smallest);
  EXPECT_EQ(threepc::load_config("configs/run.toml", {"run.out=here"}).out, (folder_ / "here").string());
}

TEST_F(RunConfigTest, AgreementIgnoresWhatHostsMayDifferIn) {
  const auto of = [&](const std::vector<std::string>& overrides) { return agreement(load(full, overrides)); };
  const auto reference = of({});
  for (const char* harmless : {"run.name=x", "run.out=y", "run.rounds=9", "run.stop.seconds=9", "workers.threads=1",
                               "transport.port=1", "transport.timeout=1", "plugins.path=['.']"})
    EXPECT_EQ(of({harmless}), reference) << harmless;
  EXPECT_EQ(agreement(load(full, {"transport={plugin='inproc'}"})), reference);
}

TEST_F(RunConfigTest, AgreementHasAllThatChangesX) {
  const auto of = [&](const std::vector<std::string>& overrides) { return agreement(load(full, overrides)); };
  const auto reference = of({});
  for (const char* change :
       {"run.seed=2", "run.dtype=f64", "workers.count=21", "problem.dim=101", "mechanism.inner.zeta=9",
        "mechanism.init=gradient", "mechanism.inner.compressor.k=18", "mechanism.compressor.fraction=0.5",
        "optimizer.stepsize=theory", "optimizer.multiplier=5", "run.evaluate_every=1"})
    EXPECT_NE(of({change}), reference) << change;
  const std::string paced = "optimizer.schedule=cosine";
  EXPECT_NE(of({paced, "run.rounds=9"}), of({paced}));
}

/// Two versions of a plugin may code one message in two ways. A checkpoint has no messages, and says no versions.
TEST_F(RunConfigTest, MembersAgreeOnTheVersionsOfWhatCodesMessages) {
  const RunConfig config = load(full);
  for (const char* place : {"mechanism", "mechanism.inner", "mechanism.inner.compressor", "mechanism.compressor"})
    EXPECT_THAT(agreement_text(config), HasSubstr(std::string("\n") + place + ".version = \"1.0.0\"\n"));
  EXPECT_THAT(agreement(config), Each(Not(HasSubstr("version"))));
}

TEST_F(RunConfigTest, AgreementReducesPathsToFileNames) {
  write("here/a9a", "");
  const std::string text = "[problem]\nplugin = \"onfile\"\ndata = \"here/a9a\"\n[mechanism]\nplugin = \"plain\"\n";
  EXPECT_THAT(agreement(load(text)), Contains("problem.data = \"a9a\""));
  EXPECT_THAT(agreement(load(text)), Each(Not(HasSubstr(folder_.string()))));
}

}  // namespace
