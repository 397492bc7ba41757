// Plugins that load but break the contract of a call. The host must survive, and blame them by kind, id, call
// and file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "method/encoder.hpp"
#include "plugin/catalog.hpp"
#include "plugin/instances.hpp"

namespace threepc {
namespace {

namespace fs = std::filesystem;

const Catalog& broken_plugins() {
  static const fs::path plugins = fs::path(THREEPC_TEST_BINARIES) / "plugins";
  static const Catalog catalog({plugins / "constants", plugins / "calls", plugins / "exchange", plugins / "programs",
                                plugins / "undeclared", THREEPC_TEST_PLUGINS});
  return catalog;
}

PluginSpec spec_of(tpc_kind kind, const std::string& id) {
  const Entry& entry = broken_plugins().find(kind, id, "here");
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = "here";
  spec.values.resize(entry.descriptor->param_count);
  for (std::uint32_t i = 0; i < entry.descriptor->slot_count; ++i)
    spec.children.push_back(spec_of(TPC_COMPRESSOR, "identity"));
  return spec;
}

constexpr std::uint32_t dim = 3;
const Membership member = {TPC_F64, dim, 2, 1, 7};
const double vector[dim] = {1, -2, 3};

/// Everything that a run asks of a compressor.
void use_compressor(const PluginSpec& spec) {
  const Compressor made(spec, member, 16, Role::encoder);
  made.constants();
  std::vector<std::uint8_t> payload;
  made.encode(made.context(1, 1, NAN), vector, nullptr, payload);
  double sum[dim] = {};
  made.accumulate(made.context(1, 1, NAN), payload, {sizeof(tpc_sum), TPC_F64, dim, 0, sum, nullptr, 1});
}

/// One round of a mechanism.
void use_mechanism(const PluginSpec& spec) {
  Encoder made(spec, member);
  made.constants();
  std::vector<std::uint8_t> message;
  const double y[dim] = {};
  made.propose(1, 0.1, y, vector, message);
}

/// Worker 1 of two.
void use_problem(const PluginSpec& spec) {
  const Problem made(spec, {TPC_F64, 0, 2, 1, 7}, 1);
  made.facts();
  made.metrics();
  if (find_exchange(spec) == nullptr) return;
  std::vector<tpc_parcel> said(made.peers().workers.size());
  made.stage(made.context(1, 1, NAN), 0, vector, {}, said);
}

void use_optimizer(const PluginSpec& spec) {
  const Optimizer made(spec, member, 2);
  double x[dim] = {}, memory[dim] = {};
  void* state[] = {memory};
  made.step(made.context(1, TPC_SERVER, 0.1), vector, x, state);
}

struct Misbehaviour {
  tpc_kind kind;
  const char* id;
  const char* message;  // FILE stands for the library
};

std::ostream& operator<<(std::ostream& out, const Misbehaviour& m) { return out << m.id; }

constexpr Misbehaviour misbehaviours[] = {
    {TPC_COMPRESSOR, "alpha-two", "compressor 'alpha-two' misbehaved: alpha = 2.000000 is outside [0, 1] (FILE)"},
    {TPC_COMPRESSOR, "alpha-negative",
     "compressor 'alpha-negative' misbehaved: alpha = -0.500000 is outside [0, 1] (FILE)"},
    {TPC_COMPRESSOR, "neither", "compressor 'neither' misbehaved: it declares neither alpha nor omega (FILE)"},
    {TPC_COMPRESSOR, "omega-negative",
     "compressor 'omega-negative' misbehaved: omega = -1.000000 is not a finite number >= 0 (FILE)"},
    {TPC_COMPRESSOR, "omega-infinite",
     "compressor 'omega-infinite' misbehaved: omega = inf is not a finite number >= 0 (FILE)"},
    {TPC_COMPRESSOR, "one-good-one-bad",
     "compressor 'one-good-one-bad' misbehaved: omega = -1.000000 is not a finite number >= 0 (FILE)"},
    {TPC_COMPRESSOR, "throwing-constructor",
     "compressor 'throwing-constructor': create failed: the table of logarithms is missing (FILE)"},
    {TPC_COMPRESSOR, "outgrown",
     "compressor 'outgrown': encode failed: the payload outgrows max_payload() = 8 bytes (FILE)"},
    {TPC_COMPRESSOR, "crossing-exception",
     "compressor 'crossing-exception' misbehaved: constants let an exception cross the boundary: not mine to catch "
     "(FILE)"},
    {TPC_COMPRESSOR, "crossing-int",
     "compressor 'crossing-int' misbehaved: constants let an exception cross the boundary (FILE)"},
    {TPC_COMPRESSOR, "no-instance", "compressor 'no-instance' misbehaved: create returned no instance (FILE)"},
    {TPC_COMPRESSOR, "unknown-status",
     "compressor 'unknown-status' misbehaved: constants returned the unknown status 77 (FILE)"},
    {TPC_COMPRESSOR, "negative-status",
     "compressor 'negative-status' misbehaved: constants returned the unknown status -1 (FILE)"},
    {TPC_COMPRESSOR, "silent-failure",
     "compressor 'silent-failure': constants failed: constants failed: internal error (FILE)"},
    {TPC_COMPRESSOR, "overrun",
     "compressor 'overrun' misbehaved: encode wrote past the end of its buffer of 24 bytes (FILE)"},
    {TPC_COMPRESSOR, "rounds-up",
     "compressor 'rounds-up' misbehaved: encode changed the rounding mode and left it so (FILE)"},
    {TPC_COMPRESSOR, "oversized",
     "compressor 'oversized' misbehaved: encode reports 25 bytes in a buffer of 24 (FILE)"},
    {TPC_COMPRESSOR, "unbounded",
     "compressor 'unbounded' misbehaved: max_payload = 18446744073709551615 bytes is out of proportion (FILE)"},
    {TPC_MECHANISM, "a-zero", "mechanism 'a-zero' misbehaved: A = 0.000000 is outside (0, 1] (FILE)"},
    {TPC_MECHANISM, "only-b", "mechanism 'only-b' misbehaved: it declares one of A and B without the other (FILE)"},
    {TPC_MECHANISM, "b-negative",
     "mechanism 'b-negative' misbehaved: B = -1.000000 is not a finite number >= 0 (FILE)"},
    {TPC_MECHANISM, "undeclared-reset",
     "mechanism 'undeclared-reset' misbehaved: it resets h without declaring TPC_RESETS_TOGETHER or "
     "TPC_RESETS_ALONE (FILE)"},
    {TPC_MECHANISM, "missing-slot", "mechanism 'missing-slot' misbehaved: it uses slot 3, but declares 1 (FILE)"},
    {TPC_MECHANISM, "runs-compressor",
     "mechanism 'runs-compressor' misbehaved: it runs slot 0, which holds a compressor (FILE)"},
    {TPC_MECHANISM, "wrong-length",
     "mechanism 'wrong-length': propose failed: a vector of 2 values where d = 3 (FILE)"},
    {TPC_MECHANISM, "swallowed-status",
     "mechanism 'swallowed-status' misbehaved: it uses slot 17, but declares 1 (FILE)"},
    {TPC_MECHANISM, "endless",
     "mechanism 'endless' misbehaved: its program of round 1 has more than the 128 bytes that four times each of its "
     "operations have (FILE)"},
    {TPC_MECHANISM, "null-vector", "mechanism 'null-vector' misbehaved: it passes a null vector (FILE)"},
    {TPC_COMPRESSOR, "undeclared-state",
     "compressor 'undeclared-state': encode failed: state(1) is asked for, but about.state_vectors declares 1 (FILE)"},
    {TPC_COMPRESSOR, "long-state",
     "compressor 'long-state': encode failed: state(0, 6) is asked for, but a state vector has 3 values (FILE)"},
    {TPC_MECHANISM, "mechanism-state",
     "mechanism 'mechanism-state': propose failed: state(0) is asked for, but about.state_vectors declares 0 (FILE)"},
    {TPC_OPTIMIZER, "optimizer-state",
     "optimizer 'optimizer-state': step failed: state(3) is asked for, but about.state_vectors declares 1 (FILE)"},
    {TPC_COMPRESSOR, "missing-child",
     "compressor 'missing-child': create failed: the child 1 is asked for, of 1 (FILE)"},
    {TPC_COMPRESSOR, "wide-field", "compressor 'wide-field': encode failed: a field of 40 bits; at most 32 fit (FILE)"},
    {TPC_PROBLEM, "no-dimension", "problem 'no-dimension' misbehaved: dim = 0 is not in 1 .. 2^32 - 2 (FILE)"},
    {TPC_PROBLEM, "negative-smoothness",
     "problem 'negative-smoothness' misbehaved: a smoothness constant of -1.000000 is no finite number >= 0 (FILE)"},
    {TPC_PROBLEM, "peer-itself",
     "problem 'peer-itself' misbehaved: its peers are not other workers in ascending order (FILE)"},
    {TPC_PROBLEM, "parcel-of-nothing",
     "problem 'parcel-of-nothing' misbehaved: its parcel for worker 0 has 2 bytes, but data is null (FILE)"},
    {TPC_PROBLEM, "parcel-too-long",
     "problem 'parcel-too-long' misbehaved: it says 3 bytes in one exchange, more than its longest, 2 (FILE)"},
    {TPC_PROBLEM, "metric-twice",
     "problem 'metric-twice' misbehaved: its table threepc.draft.metrics/1 has a name twice (FILE)"},
    {TPC_PROBLEM, "metric-with-spaces",
     "problem 'metric-with-spaces' misbehaved: its table threepc.draft.metrics/1 has a name that is none (FILE)"},
    {TPC_PROBLEM, "metric-weight",
     "problem 'metric-weight' misbehaved: its metric accuracy has a weight that is no finite number >= 0 (FILE)"},
};

class Misbehaving : public ::testing::TestWithParam<Misbehaviour> {};

TEST_P(Misbehaving, IsBlamedByName) {
  const PluginSpec spec = spec_of(GetParam().kind, GetParam().id);
  std::string expected = GetParam().message;
  expected.replace(expected.find("FILE"), 4, spec.file);
  try {
    if (GetParam().kind == TPC_COMPRESSOR)
      use_compressor(spec);
    else if (GetParam().kind == TPC_MECHANISM)
      use_mechanism(spec);
    else if (GetParam().kind == TPC_OPTIMIZER)
      use_optimizer(spec);
    else
      use_problem(spec);
    FAIL() << "nobody complained";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::plugin);
    EXPECT_EQ(failure.what(), expected);
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  }
}

INSTANTIATE_TEST_SUITE_P(Contract, Misbehaving, ::testing::ValuesIn(misbehaviours), [](const auto& test) {
  std::string name = test.param.id;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

/// Bytes from a worker, or a decoder that counts wrongly: the server cannot tell, and must not write there.
TEST(MisbehavingDecoder, DoesNotWriteBehindTheVector) {
  for (const auto& [id, words] : {std::pair{"one-too-far", "index 3 is outside a vector of 3 values"},
                                  {"run-too-far", "index 3 is outside a vector of 3 values"},
                                  {"trusting", "2305843009213693952 values of 8 bytes expected, 8 bytes left"}}) {
    try {
      use_compressor(spec_of(TPC_COMPRESSOR, id));
      ADD_FAILURE() << id << ": nobody complained";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Exit::plugin);
      EXPECT_THAT(failure.what(), ::testing::HasSubstr(words));
    }
  }
}

TEST(MisbehavingText, WithoutATerminatingZeroIsCutAtItsBuffer) {
  const PluginSpec spec = spec_of(TPC_COMPRESSOR, "endless-text");
  try {
    use_compressor(spec);
    FAIL() << "nobody complained";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Exit::plugin);
    EXPECT_THAT(failure.what(), ::testing::HasSubstr(std::string(sizeof(tpc_error::text), 'x') + " ("));
  }
}

/// The compressor is at fault here, not the problem and not the step size: finite in, NaN out.
TEST(MisbehavingNumbers, NanFromFiniteInputIsTheCompressorsFault) {
  const Entry& entry = broken_plugins().find(TPC_MECHANISM, "ef21", "here");
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.children = {spec_of(TPC_COMPRESSOR, "not-a-number")};
  Encoder made(spec, member);
  std::vector<std::uint8_t> message;
  const double y[dim] = {};
  made.propose(1, 0.1, y, vector, message);
  EXPECT_EQ(made.culprit(1, 0, message), "compressor 'not-a-number'");
}

}  // namespace
}  // namespace threepc
