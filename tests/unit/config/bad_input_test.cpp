// What a user reads for every kind of bad configuration: bad_input.golden, reviewed as text. A case is
//
//   ==== title
//   the configuration
//   ---- --set an override        (any number)
//   ---- exit code
//   the message
//
// THREEPC_UPDATE_GOLDEN=1 writes the messages of today into the file; read the difference before you keep it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "scratch_folder.hpp"

namespace {

constexpr const char* golden_file = THREEPC_TEST_SOURCES "/bad_input.golden";

struct Case {
  std::string title, toml, expected;
  std::vector<std::string> overrides;
};

std::string after(const std::string& line, const std::string& start) { return line.substr(start.size()); }

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  bool in_message = false;
  std::ifstream in(golden_file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("==== ")) {
      cases.push_back({.title = after(line, "==== "), .toml = {}, .expected = {}, .overrides = {}});
      in_message = false;
    } else if (line.starts_with("---- --set ")) {
      cases.back().overrides.push_back(after(line, "---- --set "));
    } else if (line.starts_with("---- ")) {
      cases.back().expected = after(line, "---- ");
      in_message = true;
    } else if (!cases.empty()) {
      in_message ? cases.back().expected += "\n" + line : cases.back().toml += line + "\n";
    }
  }
  return cases;
}

std::string written(const Case& c, const std::string& message) {
  std::string text = "==== " + c.title + "\n" + c.toml;
  for (const std::string& item : c.overrides) text += "---- --set " + item + "\n";
  return text + "---- " + message + "\n";
}

class BadInput : public ScratchFolder {};

TEST_F(BadInput, MessagesAreTheReviewedOnes) {
  const std::vector<Case> cases = read_cases();
  ASSERT_GE(cases.size(), 35u);
  std::string today;
  for (const Case& c : cases) {
    const std::string message = refusal(c.toml, c.overrides);
    EXPECT_EQ(message, c.expected) << "==== " << c.title;
    today += written(c, message);
  }
  if (std::getenv("THREEPC_UPDATE_GOLDEN") != nullptr) std::ofstream(golden_file) << today;
}

TEST_F(BadInput, EveryMessageNamesItsPlace) {
  for (const Case& c : read_cases()) {
    const std::string message = refusal(c.toml, c.overrides);
    const std::string text = message.substr(message.find('\n') + 1);
    EXPECT_TRUE(text.starts_with("run.toml:") || text.starts_with("--set ")) << message;
  }
}

TEST_F(BadInput, UnreadableFile) { EXPECT_THROW(threepc::load_config("absent.toml", {}), std::runtime_error); }

}  // namespace
