// Plugins that crash, do not come back, or change the floating-point environment: the run says which plugin, in which
// call, of which worker and round, and never ends as if nothing had been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace threepc::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

/// A run whose compressor goes wrong.
class PluginFault : public testing::Test {
 protected:
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "a sanitizer reports crashes itself";
  }

  Result run(const std::string& fault, const std::string& transport, int workers,
             const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"run", folder_.write("faulty.toml", small_config(workers, transport, 20)),
                                          "--out", folder_.path("run")};
    for (const std::string& set : {std::string("plugins.path=[\"") + THREEPC_TEST_BINARIES + "/plugins\"]",
                                   "mechanism.compressor={plugin=\"faulty\", fault=\"" + fault + "\"}"})
      arguments.insert(arguments.end(), {"--set", set});
    for (const std::string& set : more) arguments.insert(arguments.end(), {"--set", set});
    return run_program(arguments);
  }

  std::string log() const { return read_file(folder_.path("run/log.txt")); }

  Folder folder_;
};

const std::string segv = "compressor 'faulty' crashed in encode: signal 11 (Segmentation fault); its file is ";

TEST_F(PluginFault, ACrashInOneProcessIsSaidAndEndsItWithCode5) {
  const Result result = run("segv", "inproc", 3, {"mechanism.compressor.worker=1"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("threepc: worker 1, round 7: " + segv));
  EXPECT_THAT(result.err, HasSubstr("faulty.so"));
}

TEST_F(PluginFault, ASpentStackIsACrashToo) {
  const Result result = run("stack", "inproc", 2, {"mechanism.compressor.worker=1", "workers.threads=2"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("threepc: worker 1, round 7: " + segv));
}

TEST_F(PluginFault, AnAbortIsNamedByItsSignal) {
  const Result result = run("abort", "inproc", 1);
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err,
              HasSubstr("worker 0, round 7: compressor 'faulty' crashed in encode: signal 6 (Aborted); its file is "));
}

TEST_F(PluginFault, ACrashOfOneWorkerProcessIsInTheLogAndTheRunGoesOn) {
  const Result result = run("segv", "tcp", 3, {"mechanism.compressor.worker=1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(log(), HasSubstr("worker 1, round 7: " + segv));
  EXPECT_THAT(log(), HasSubstr("started again, 1 of"));
}

TEST_F(PluginFault, WithStopItEndsTheRunWithCode5) {
  const Result result = run("segv", "tcp", 3, {"mechanism.compressor.worker=1", "faults.on_worker_loss=stop"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("worker 1, round 7: " + segv));
}

TEST_F(PluginFault, TheSameCrashInEveryWorkerEndsTheRunWithCode5) {
  for (const char* policy : {"lazy", "wait"}) {
    const Result result = run("segv", "tcp", 3, {std::string("faults.on_worker_loss=") + policy});
    EXPECT_EQ(result.exit_code, 5) << policy << "\n" << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(", round 7: " + segv), HasSubstr("crashed in the same way"))) << policy;
    std::filesystem::remove_all(folder_.path("run"));
  }
}

TEST_F(PluginFault, AWorkerThatCrashesUntilNobodyIsLeftEndsTheRunWithCode5) {
  const Result result = run("segv", "tcp", 1, {"mechanism.compressor.until=1000", "faults.restarts=2"});
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr(segv), HasSubstr("no worker is left")));
}

/// Which of the two that share the memory trips over it is up to the C library's heap.
TEST_F(PluginFault, DamagedMemoryIsTracedToThePluginThatWasCalledLast) {
  for (const char* transport : {"inproc", "tcp"}) {
    const Result result = run("heap", transport, 2, {"mechanism.compressor.until=1000"});
    EXPECT_NE(result.exit_code, 0) << transport;
    EXPECT_THAT(result.err, AllOf(AnyOf(HasSubstr("compressor 'faulty'"), HasSubstr("mechanism 'ef21'")),
                                  AnyOf(HasSubstr("signal"), HasSubstr("misbehaved"))))
        << transport;
    std::filesystem::remove_all(folder_.path("run"));
  }
}

TEST_F(PluginFault, ACallThatDoesNotComeBackIsNamedAtTheDeadline) {
  const Result result = run("loop", "inproc", 2, {"mechanism.compressor.worker=1", "transport.timeout=2"});
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_THAT(result.err, HasSubstr("worker 1: compressor 'faulty' has been in encode of round 7 for "));
}

TEST_F(PluginFault, ACallOfAWorkerProcessThatDoesNotComeBackIsNamed) {
  const Result result =
      run("loop", "tcp", 2, {"mechanism.compressor.worker=1", "transport.timeout=4", "faults.on_worker_loss=stop"});
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_THAT(result.err, HasSubstr("worker 1: compressor 'faulty' has been in encode of round 7 for "));
}

/// With steps so small that every x is denormal.
std::string hash_of(const Folder& folder, std::vector<std::string> sets, Result& result) {
  std::vector<std::string> arguments = {"run", folder.write("tiny.toml", small_config(2, "inproc", 5)), "--out",
                                        folder.path("run"), "--force"};
  sets.insert(sets.end(), {"optimizer.stepsize=1e-310"});
  for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
  result = run_program(arguments);
  return read_summary(folder.path("run"))["x_hash"];
}

const std::string with_path = std::string("plugins.path=[\"") + THREEPC_TEST_BINARIES + "/plugins\"]";

TEST(FloatingPoint, ALibraryThatLiesInThePathChangesNoBit) {
  const Folder folder;
  Result result;
  const std::string alone = hash_of(folder, {}, result);
  EXPECT_EQ(hash_of(folder, {with_path}, result), alone);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, Not(HasSubstr("fast_math")));
}

TEST(FloatingPoint, ALibraryThatIsNamedIsPutRightWithAWarning) {
  const Folder folder;
  Result result;
  const std::string alone = hash_of(folder, {"mechanism.compressor={plugin=\"identity\"}"}, result);
  EXPECT_EQ(hash_of(folder, {with_path, "mechanism.compressor={plugin=\"fast_math\"}"}, result), alone);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("fast_math.so: loading it turned on flush-to-zero"), HasSubstr("-ffast-math")));
}

TEST(FloatingPoint, ACallThatChangesTheEnvironmentIsMisbehaviour) {
  const Folder folder;
  const Result result =
      run_program({"run", folder.write("flush.toml", small_config(2, "inproc", 20)), "--out", folder.path("run"),
                   "--set", with_path, "--set", "mechanism.compressor={plugin=\"faulty\", fault=\"flush\", worker=1}"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("compressor 'faulty' misbehaved: encode turned on flush-to-zero"));
}

}  // namespace
}  // namespace threepc::test
