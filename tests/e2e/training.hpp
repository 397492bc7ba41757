// A configuration of a test's own, run with settings.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "program.hpp"

namespace threepc::test {

using Set = std::vector<std::string>;  // of --set: "key=value"

class Training : public testing::Test {
 protected:
  explicit Training(const std::string& configuration) : config_(folder_.write("run.toml", configuration)) {}

  Result run(const std::string& name, const Set& set = {}) const {
    Set arguments = {"run", config_, "--quiet", "--force", "--out", folder_.path(name)};
    for (const std::string& item : set) arguments.insert(arguments.end(), {"--set", item});
    return run_program(arguments);
  }
  nlohmann::json summary(const std::string& name, const Set& set = {}) const {
    const Result result = run(name, set);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_summary(folder_.path(name));
  }
  std::string hash(const std::string& name, const Set& set = {}) const { return summary(name, set)["x_hash"]; }
  /// stderr of a run that is refused with this code.
  std::string refusal(const Set& set, int code = 2) const {
    const Result result = run("refused", set);
    EXPECT_EQ(result.exit_code, code) << result.err;
    return result.err;
  }

  Folder folder_;
  std::string config_;
};

}  // namespace threepc::test
