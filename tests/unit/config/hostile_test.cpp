// Input that nobody writes by hand is refused with a Failure of reasonable length, and never crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "scratch_folder.hpp"

using testing::StartsWith;

namespace {

class Hostile : public ScratchFolder {
 protected:
  void expect_refused(const std::string& toml, const std::vector<std::string>& overrides = {}) const {
    const std::string text = refusal(toml, overrides);
    EXPECT_THAT(text.substr(0, 400), StartsWith("exit 2"));
    EXPECT_LT(text.size(), 2000u) << text.substr(0, 400);
  }
};

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

const std::string base(smallest);

TEST_F(Hostile, DeepArrays) { expect_refused(base + "x = " + repeated("[", 100000) + repeated("]", 100000)); }
TEST_F(Hostile, DeepInlineTables) { expect_refused(base + repeated("x = {", 100000)); }
TEST_F(Hostile, DeepHeader) { expect_refused(base + "[a" + repeated(".a", 400000) + "]\n"); }
TEST_F(Hostile, DeepKey) { expect_refused(base + "a" + repeated(".a", 400000) + " = 1\n"); }
TEST_F(Hostile, DeepKeyWithSpaces) { expect_refused(base + "a" + repeated(" . \"a\"", 100000) + " = 1\n"); }
TEST_F(Hostile, DeepAcrossLines) { expect_refused(base + repeated("x" + repeated(".x", 90) + " = [\n{", 250)); }
TEST_F(Hostile, DeepOverride) { expect_refused(base, {"a" + repeated(".a", 400000) + "=1"}); }
TEST_F(Hostile, DeepButLegal) { expect_refused(base + "[a" + repeated(".a", 40) + "]\n"); }
TEST_F(Hostile, LongKey) { expect_refused(std::string(10 << 20, 'k') + " = 1\n"); }
TEST_F(Hostile, LongKeyThatFits) { expect_refused(std::string(100000, 'k') + " = 1\n" + base); }
TEST_F(Hostile, LongString) { expect_refused(base + "init = \"" + std::string(500000, 'z') + "\"\n"); }
TEST_F(Hostile, LongPluginName) { expect_refused("[problem]\nplugin = \"" + std::string(100000, 'p') + "\"\n"); }
TEST_F(Hostile, LongOverride) { expect_refused(base, {"run.dtype=" + std::string(100000, 'f')}); }
TEST_F(Hostile, HugeInteger) { expect_refused("[run]\nseed = " + std::string(5000, '9') + "\n" + base); }
TEST_F(Hostile, HugeReal) { expect_refused(base + "[optimizer]\nstepsize = 1e99999\n"); }
TEST_F(Hostile, ZeroBytes) { expect_refused(base + std::string("x = \"a\0b\"\n", 10)); }
TEST_F(Hostile, ZeroInAnOverride) { expect_refused(base, {std::string("run.name=a\0b", 12)}); }
TEST_F(Hostile, EscapedZeroInAName) { expect_refused("[run]\nname = \"a\\u0000b\"\n" + base); }
TEST_F(Hostile, ControlCharactersInAKey) {
  const std::string text = refusal(base + "\"\\u001b[31mred\" = 1\n");
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}
TEST_F(Hostile, InvalidUtf8) { expect_refused(base + "x = \"\xff\xfe\"\n"); }
TEST_F(Hostile, OverlongUtf8) { expect_refused(base + "x = \"\xc0\xaf\"\n"); }
TEST_F(Hostile, InvalidUtf8InAnOverride) { expect_refused(base, {"run.name=\xff"}); }
TEST_F(Hostile, Utf16) { expect_refused(std::string("\xff\xfe[\0r\0u\0n\0]\0", 12)); }
TEST_F(Hostile, ManyKeys) {
  std::string text = base;
  for (int i = 0; i < 20000; ++i) text += "k" + std::to_string(i) + " = 1\n";
  expect_refused(text);
}

TEST_F(Hostile, Folder) { EXPECT_THROW(threepc::load_config(folder_.string(), {}), std::runtime_error); }
TEST_F(Hostile, EndlessFile) { EXPECT_THROW(threepc::load_config("/dev/zero", {}), std::runtime_error); }

TEST_F(Hostile, MutatedConfigurations) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::string text = base + "[run]\nseed = 3\n[run.stop]\ngrad_norm = 1e-3\n";
    for (int edits = 0; edits < 3; ++edits) text[random() % text.size()] = static_cast<char>(random());
    refusal(text);  // accepted or a Failure; anything else ends the test
  }
}

}  // namespace
