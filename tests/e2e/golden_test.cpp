// What the program says about bad input that only a run can find, and how it ends; the configuration's own
// messages are in tests/unit/config. One reviewed file: golden/errors.txt. To renew it after a deliberate
// change, run with THREEPC_UPDATE_GOLDEN=1 and read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "program.hpp"

namespace threepc::test {
namespace {

struct Case {
  const char* name;
  std::string config;
  std::vector<std::string> more;  // further arguments of `threepc run`
};

const std::string base =
    "[workers]\ncount = 2\n\n[problem]\nplugin = \"quadratic\"\ndim = 10\n\n[mechanism]\nplugin = \"ef21\"\n\n"
    "[mechanism.compressor]\nplugin = \"topk\"\nk = 2\n\n[run]\nevaluate_every = 1\nrounds = 3\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string logreg(const std::string& data) {
  return "[workers]\ncount = 2\n[problem]\nplugin = \"logreg\"\ndata = \"" + data +
         "\"\n[mechanism]\nplugin = \"gd\"\n";
}

std::string autoencoder(const std::string& images, const std::string& more = "") {
  return "[workers]\ncount = 2\n[problem]\nplugin = \"autoencoder\"\ndata = \"" + images + "\"\nhidden = 1\n" + more +
         "[mechanism]\nplugin = \"gd\"\n";
}

std::string mlp(const std::string& data, const std::string& more = "") {
  return "[workers]\ncount = 2\n[problem]\nplugin = \"mlp\"\ndata = \"" + data + "\"\n" + more +
         "[mechanism]\nplugin = \"gd\"\n";
}

std::vector<Case> cases() {
  return {
      {"an unknown key", replaced(base, "k = 2", "kk = 2"), {}},
      {"a duplicate key", replaced(base, "k = 2", "k = 2\nk = 3"), {}},
      {"a wrong type", replaced(base, "k = 2", "k = \"2\""), {}},
      {"out of range", replaced(base, "k = 2", "k = 0"), {}},
      {"both of two alternatives", replaced(base, "k = 2", "k = 2\nfraction = 0.5"), {}},
      {"neither of two alternatives", replaced(base, "k = 2", ""), {}},
      {"k > d", replaced(base, "k = 2", "k = 11"), {}},
      {"k > d, over tcp", replaced(base, "k = 2", "k = 11"), {"--set", "transport.plugin=tcp"}},
      {"an unknown plugin", replaced(base, "\"topk\"", "\"topq\""), {}},
      {"a missing slot", replaced(base, "[mechanism.compressor]\nplugin = \"topk\"\nk = 2\n", ""), {}},
      {"a compressor of the wrong class", replaced(base, "plugin = \"topk\"", "plugin = \"randk\""), {}},
      {"minibatches of a problem without rows", base, {"--set", "workers.batch=4", "--set", "optimizer.stepsize=0.1"}},
      {"a step size from theory with momentum", base, {"--set", "mechanism.momentum=0.1"}},
      {"a step size from theory for momentum in the optimizer", base, {"--set", "optimizer.plugin=heavy-ball"}},
      {"a selector whose payload varies",
       base,
       {"--set", "mechanism.compressor={plugin='compose', selector={plugin='cast'}, values={plugin='cast'}}"}},
      {"a pair without a class",
       base,
       {"--set",
        "mechanism.compressor={plugin='compose', selector={plugin='randk', k=2}, values={plugin='topk', k=1}}"}},
      {"decay without steps", base, {"--set", "optimizer.decay_every=10"}},
      {"a missing data file", logreg("nothing.txt"), {}},
      {"an empty data file", logreg("empty.txt"), {}},
      {"one label", logreg("one-row.txt"), {}},
      {"an empty shard", logreg("x.txt"), {"--set", "workers.count=3"}},
      {"a malformed label", logreg("bad-label.txt"), {}},
      {"a malformed value", logreg("bad-value.txt"), {}},
      {"index zero", logreg("zero-index.txt"), {}},
      {"indices that do not increase", logreg("decreasing.txt"), {}},
      {"three labels", logreg("three-labels.txt"), {}},
      {"real targets dealt by class",
       replaced(logreg("many-labels.txt"), "logreg", "leastsquares"),
       {"--set", "problem.split=dirichlet"}},
      {"damaged gzip", logreg("cut-off.gz"), {}},
      {"images that break off", autoencoder("cut-off-idx3"), {}},
      {"images in damaged gzip, over tcp", autoencoder("cut-off.gz"), {"--set", "transport.plugin=tcp"}},
      {"labels where images should be", autoencoder("labels-idx1"), {}},
      {"images split by label without labels", autoencoder("images-idx3"), {"--set", "problem.split=label"}},
      {"more images than labels", autoencoder("images-idx3", "labels = \"labels-idx1\"\n"), {}},
      {"a step size from theory where there is none", autoencoder("images-idx3"), {}},
      {"an unknown activation", mlp("three-labels.txt", "activation = \"rely\"\n"), {}},
      {"a layer of half a unit", mlp("three-labels.txt", "hidden = [4, 2.5]\n"), {}},
      {"a layer of nothing", mlp("three-labels.txt", "hidden = [4, 0]\n"), {}},
      {"a network for images without labels", mlp("images-idx3"), {}},
      {"a class that is not listed", mlp("three-labels.txt", "classes = [1, 2]\n"), {}},
      {"weights that do not fit", mlp("three-labels.txt", "weights = \"empty.txt\"\n"), {}},
  };
}

std::string many_labels() {
  std::string out;
  for (int r = 0; r < 1001; ++r) out += std::to_string(r) + " 1:1\n";
  return out;
}

void write_data(const Folder& folder) {
  folder.write("x.txt", "1 1:1\n-1 1:2\n");
  folder.write("empty.txt", "");
  folder.write("one-row.txt", "1 1:1\n");
  folder.write("bad-label.txt", "1 1:1\nyes 1:1\n");
  folder.write("bad-value.txt", "1 1:1\n-1 1:1 2:1.2.3\n");
  folder.write("zero-index.txt", "1 1:1\n-1 0:1\n");
  folder.write("decreasing.txt", "1 1:1\n-1 3:1 2:1\n");
  folder.write("three-labels.txt", "1 1:1\n2 1:1\n3 1:1\n");
  folder.write("many-labels.txt", many_labels());
  folder.write("cut-off.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10));
  folder.write("images-idx3", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02", 16) + "abcd");
  folder.write("cut-off-idx3", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02", 16) + "abc");
  folder.write("labels-idx1", std::string("\0\0\x08\x01\0\0\0\x01", 8) + "a");
}

std::string without(std::string text, const std::string& part, const std::string& instead) {
  for (std::size_t at; (at = text.find(part)) != std::string::npos;) text.replace(at, part.size(), instead);
  return text;
}

/// The messages list every place that was tried, so THREEPC_DATA must not be one of them.
class WithoutData {
 public:
  WithoutData() {
    if (const char* folder = std::getenv("THREEPC_DATA")) folder_ = folder;
    unsetenv("THREEPC_DATA");
  }
  ~WithoutData() {
    if (!folder_.empty()) setenv("THREEPC_DATA", folder_.c_str(), 1);
  }

 private:
  std::string folder_;
};

TEST(Golden, MessagesAboutBadInput) {
  const WithoutData without_data;
  const Folder folder;
  write_data(folder);
  std::string actual;
  for (const Case& item : cases()) {
    const std::string config = folder.write("run.toml", item.config);
    std::vector<std::string> arguments = {"run", config, "--quiet", "--force", "--out", folder.path("run")};
    arguments.insert(arguments.end(), item.more.begin(), item.more.end());
    const Result result = run_program(arguments);
    actual += "# " + std::string(item.name) + ": exit " + std::to_string(result.exit_code) + "\n" + result.out +
              result.err + "\n";
  }
  actual = without(without(actual, folder.path(""), ""), std::filesystem::current_path().string() + "/", "");

  const std::string golden = std::string(THREEPC_TEST_SOURCES) + "/golden/errors.txt";
  if (std::getenv("THREEPC_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << actual;
  EXPECT_EQ(actual, read_file(golden));
}

TEST(Golden, UsageErrorsEndWithCode2) {
  EXPECT_EQ(run_program({}).exit_code, 2);
  EXPECT_EQ(run_program({"run"}).exit_code, 2);
  EXPECT_EQ(run_program({"runn", "x.toml"}).exit_code, 2);
  EXPECT_EQ(run_program({"work", "x.toml"}).exit_code, 2);
  EXPECT_EQ(run_program({"run", "/nowhere.toml"}).exit_code, 2);
  EXPECT_EQ(run_program({"--version"}).exit_code, 0);
  EXPECT_EQ(run_program({"run", "--help"}).exit_code, 0);
}

}  // namespace
}  // namespace threepc::test
