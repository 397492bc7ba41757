// The program among others: streams that are closed, full or lead nowhere, disks without space, and a configuration
// that its workers cannot read again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "program.hpp"

namespace threepc::test {
namespace {

namespace fs = std::filesystem;

/// A shell's command line, in which $THREEPC is the program.
Result shell(const std::string& command) {
  return Process({"-c", std::string("THREEPC=") + THREEPC_TEST_PROGRAM + "; " + command}, "/bin/bash").wait();
}

class Program : public testing::Test {
 protected:
  std::string run(const std::string& more) const { return "$THREEPC run " + config_ + " --out " + run_ + " " + more; }
  std::string undisturbed_hash(const std::string& rounds = "400") const {
    EXPECT_EQ(shell("$THREEPC run " + config_ + " --quiet --out " + folder_.path("whole") +
                    " --set transport.plugin=inproc --set run.rounds=" + rounds)
                  .exit_code,
              0);
    return read_summary(folder_.path("whole"))["x_hash"];
  }
  std::string hash() const { return read_summary(run_)["x_hash"]; }

  Folder folder_;
  std::string run_ = folder_.path("run");
  std::string config_ = folder_.write("run.toml", small_config(3, "inproc", 400));
};

// ---- standard streams

TEST_F(Program, ClosedStreamsReachNoFile) {
  for (const char* closed : {"2>&-", ">&- 2>&-", "<&- >&- 2>&-", "<&-"}) {
    const Result result = shell(run(std::string("--force ") + closed));
    EXPECT_EQ(result.exit_code, 0) << closed << result.err;
    EXPECT_EQ(read_metrics(run_).size(), 401u) << closed;  // each line is JSON
    EXPECT_EQ(read_summary(run_)["stopped_by"], "rounds");
  }
}

TEST_F(Program, WhatCannotBePrintedIsAnError) {
  for (const std::string& command :
       {"config check " + config_, std::string("plugins list"), std::string("plugins info topk"), std::string("--help"),
        std::string("--version"), std::string("reproduce --list"), "certs " + folder_.path("certificates"),
        "run " + config_ + " --out " + run_, "report " + run_ + " --out " + folder_.path("report.html")}) {
    const Result result = shell("$THREEPC " + command + " >/dev/full");
    EXPECT_EQ(result.exit_code, 1) << command;
    EXPECT_NE(result.err.find("standard output: what was printed is not complete"), std::string::npos)
        << command << ": " << result.err;
  }
  EXPECT_EQ(hash(), undisturbed_hash());
}

TEST_F(Program, AReaderThatGoesAwayEndsNoRun) {
  const Result result =
      shell("(" + run("--set run.rounds=20000") + "; echo code $? >" + folder_.path("code") + ") 2>&1 | true");
  EXPECT_EQ(read_file(folder_.path("code")), "code 1\n") << result.err;  // the final table did not reach anybody
  EXPECT_EQ(hash(), undisturbed_hash("20000"));
  EXPECT_EQ(shell(run("--force 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}")).exit_code, 0);
}

TEST_F(Program, OtherProgramsHaveTheirSignals) {
  const std::string gnuplot = folder_.write("gnuplot", "#!/bin/bash\ngrep SigIgn /proc/self/status >&2; exit 1\n");
  fs::permissions(gnuplot, fs::perms::owner_all);
  const std::string sweep = folder_.write("sweep.toml", "base = \"run.toml\"\n[figure]\nkind = \"curves\"\n");
  const Result result = shell("PATH=" + fs::path(gnuplot).parent_path().string() + ":$PATH; $THREEPC reproduce " +
                              sweep + " --quiet --out " + run_);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::size_t at = result.err.find("SigIgn:\t");
  ASSERT_NE(at, std::string::npos) << result.err;
  EXPECT_EQ(std::stoull(result.err.substr(at + 8), nullptr, 16) & (1u << (SIGPIPE - 1)), 0u) << result.err;
}

// ---- the workers' configuration

TEST_F(Program, AConfigurationFromAPipeReachesWorkersThatAreProcesses) {
  for (const char* transport : {"tcp", "shm"})
    for (const std::string& input :
         {std::string("/dev/stdin <") + config_, "/dev/stdin < <(cat " + config_ + ")", "<(cat " + config_ + ")"}) {
      const Result result =
          shell("$THREEPC run --quiet --force --out " + run_ + " --set transport.plugin=" + transport + " " + input);
      EXPECT_EQ(result.exit_code, 0) << input << result.err;
      EXPECT_EQ(hash(), undisturbed_hash()) << input;
      fs::remove_all(folder_.path("whole"));
    }
}

/// Also those that are started again, and whatever is relative in it.
TEST_F(Program, AConfigurationThatIsEditedMeanwhileChangesNothing) {
  fs::create_directory(folder_.path("plugins"));
  folder_.write("data.txt", "1 1:0.5 2:1\n-1 1:0.5 2:-1\n1 2:0.25\n");
  const std::string text =
      "[run]\nevaluate_every = 1\nrounds = 3000\n[workers]\ncount = 2\n[problem]\nplugin = \"logreg\"\ndata = "
      "\"data.txt\"\n"
      "[mechanism]\nplugin = \"gd\"\n[transport]\nplugin = \"tcp\"\n[plugins]\npath = [\"plugins\"]\n";
  const std::string config = folder_.write("edited.toml", text);
  Process run({"run", config, "--quiet", "--out", run_, "--set", "faults.on_worker_loss=wait", "--set",
               "faults.inject=[{kind='delay', worker=0, round=2, seconds=2}, {kind='kill', worker=1, round=2000}]"});
  for (int i = 0; i < 6000 && !fs::exists(run_ + "/metrics.jsonl"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  folder_.write("edited.toml", "this is = [no TOML");
  const Result result = run.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_summary(run_)["worker_losses"], 1);
  folder_.write("edited.toml", text);
  ASSERT_EQ(shell("$THREEPC run " + config + " --quiet --set transport.plugin=inproc --out " + folder_.path("whole"))
                .exit_code,
            0);
  EXPECT_EQ(hash(), read_summary(folder_.path("whole"))["x_hash"].get<std::string>());
}

TEST_F(Program, AWorkersErrorNamesTheLineOfTheUsersFile) {
  std::string text = read_file(config_);
  text.replace(text.find("k = 5"), 5, "# larger than d\nk = 60");
  const std::string config = folder_.write("bad.toml", text);
  const auto message = [&](const std::string& more) {
    const Result result = shell("$THREEPC run " + config + " --quiet --force --out " + run_ + " " + more);
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  const std::string tcp = "--set transport.plugin=tcp";
  EXPECT_NE(message(tcp).find("bad.toml:15:1: mechanism.compressor.k: k = 60"), std::string::npos) << message(tcp);
  EXPECT_NE(message(tcp + " --set mechanism.compressor.k=70").find("--set mechanism.compressor.k=70: mechanism"),
            std::string::npos)
      << message(tcp + " --set mechanism.compressor.k=70");
}

TEST_F(Program, ServeNamesAConfigurationThatWorkersCanRead) {
  const std::string out = folder_.path("said");
  const auto said = [&](const std::string& arguments) {
    Process server(
        {"-c",
         std::string("exec ") + THREEPC_TEST_PROGRAM +
             " serve --set transport.plugin=tcp --set transport.insecure=true --force --listen 127.0.0.1:0 --out " +
             run_ + " " + arguments},
        "/bin/bash");
    return server.wait_for_stderr("--connect ");
  };
  EXPECT_NE(said("/dev/stdin <" + config_).find("threepc work " + run_ + "/config.toml --rank I"), std::string::npos);
  EXPECT_NE(said(config_ + " --set 'run.name=\"it is\"'")
                .find("threepc work " + config_ +
                      " --set transport.plugin=tcp --set transport.insecure=true --set "
                      "'run.name=\"it is\"' --rank I"),
            std::string::npos);
}

// ---- full disks

/// Runs `script` where $DISK is a file system of `kilobytes`. Returns nothing where there can be none.
std::optional<Result> on_small_disk(const Folder& folder, int kilobytes, const std::string& script) {
  const std::string disk = folder.path("disk");
  fs::create_directories(disk);
  const std::string enter = geteuid() == 0 ? "unshare -m" : "unshare -rm";
  const std::string mount = "mount -t tmpfs -o size=" + std::to_string(kilobytes) + "k none " + disk;
  if (shell(enter + " " + mount).exit_code != 0) return std::nullopt;
  const std::string file = folder.write("script.sh", mount + "\nDISK=" + disk + "\n" + script);
  return shell("export THREEPC; " + enter + " bash " + file);
}

TEST_F(Program, AFullDiskDelaysTheMetricsAndLosesNothing) {
  const std::string err = folder_.path("err");
  const auto result = on_small_disk(
      folder_, 2000,
      "$THREEPC run " + config_ + " --out $DISK/run --set run.rounds=100000000 --set run.evaluate_every=1000 2>" + err +
          " >/dev/null & run=$!\n"
          "until [ -s $DISK/run/metrics.jsonl ]; do sleep 0.02; done\n"
          "head -c 4M /dev/zero >$DISK/ballast\n"
          "until grep -q 'wait in memory' " +
          err +
          "; do sleep 0.02; done\n"
          "rm $DISK/ballast\n"
          "until grep -q 'can be written again' $DISK/run/log.txt; do sleep 0.02; done\n"
          "kill -TERM $run; wait $run; echo code $?\n"
          "cp -r $DISK/run " +
          run_ + "\n");
  if (!result) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_NE(result->out.find("code 130"), std::string::npos) << result->out << result->err;
  const std::string said = read_file(err);
  const std::size_t first = said.find("metrics.jsonl: cannot be written: No space left on device");
  EXPECT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("metrics.jsonl: cannot be written", first + 1), std::string::npos) << said;
  std::uint64_t round = 0;
  for (const auto& line : read_metrics(run_)) EXPECT_EQ(line["round"], std::exchange(round, round + 1000));
  EXPECT_EQ(read_summary(run_)["round"], round - 1000);
}

TEST_F(Program, AModelThatDoesNotFitCostsTheModelAlone) {
  const auto result = on_small_disk(folder_, 200,
                                    "head -c 100K /dev/zero >$DISK/ballast\n"
                                    "$THREEPC run " +
                                        config_ +
                                        " --out $DISK/run --set problem.dim=20000 --set problem.s=0 --set run.rounds=5 "
                                        "--set optimizer.stepsize=0.01; echo code $?\n"
                                        "cp -r $DISK/run " +
                                        run_ + "\n");
  if (!result) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_NE(result->out.find("code 1"), std::string::npos) << result->out << result->err;
  EXPECT_NE(result->err.find("x.npy: cannot be written: No space left on device"), std::string::npos) << result->err;
  EXPECT_NE(result->err.find("x_hash is " + hash()), std::string::npos) << result->err;
  EXPECT_NE(result->out.find("hash of x            " + hash()), std::string::npos) << result->out;
  EXPECT_FALSE(fs::exists(run_ + "/checkpoint/x.npy"));
}

/// As `ulimit -f` does it: the run ends with its hash, though nothing of it could be kept.
TEST_F(Program, ASummaryThatDoesNotFitStillLeavesTheHash) {
  const Result result = shell("ulimit -f 1; " + run("--quiet --set run.rounds=3 --set run.out=x"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("summary.json: cannot be written: File too large"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("x_hash is " + undisturbed_hash("3")), std::string::npos) << result.err;
}

}  // namespace
}  // namespace threepc::test
