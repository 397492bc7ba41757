// What a user reads for every kind of bad sweep: bad_sweep.golden, reviewed as text, in the form of
// ../config/bad_input.golden. THREEPC_UPDATE_GOLDEN=1 writes today's messages; read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "failure.hpp"
#include "scratch_folder.hpp"
#include "sweep/cells.hpp"

namespace {

constexpr const char* golden_file = THREEPC_TEST_SOURCES "/bad_sweep.golden";

struct Case {
  std::string title, toml, expected;
};

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  bool in_message = false;
  std::ifstream in(golden_file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("==== ")) {
      cases.push_back({line.substr(5), "", ""});
      in_message = false;
    } else if (line.starts_with("---- ")) {
      cases.back().expected = line.substr(5);
      in_message = true;
    } else if (!cases.empty()) {
      in_message ? cases.back().expected += "\n" + line : cases.back().toml += line + "\n";
    }
  }
  return cases;
}

class BadSweep : public ScratchFolder {
 protected:
  std::string sweep_refusal(const std::string& toml) const {
    write("sweep.toml", toml);
    write("base.toml", smallest);
    try {
      expand(threepc::read_sweep("sweep.toml", true), {}, "out");
    } catch (const threepc::Failure& failure) {
      return "exit " + std::to_string(static_cast<int>(failure.code())) + "\n" + failure.what();
    }
    return "accepted";
  }
};

TEST_F(BadSweep, MessagesAreTheReviewedOnes) {
  const std::vector<Case> cases = read_cases();
  ASSERT_GE(cases.size(), 30u);
  std::string today;
  for (const Case& c : cases) {
    const std::string message = sweep_refusal(c.toml);
    EXPECT_EQ(message, c.expected) << "==== " << c.title;
    EXPECT_TRUE(message.starts_with("exit 2\nsweep.toml:")) << message;
    today += "==== " + c.title + "\n" + c.toml + "---- " + message + "\n";
  }
  if (std::getenv("THREEPC_UPDATE_GOLDEN") != nullptr) std::ofstream(golden_file) << today;
}

}  // namespace
