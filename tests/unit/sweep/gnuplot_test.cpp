// What a file says is text to gnuplot, never a command.
#include "sweep/gnuplot.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "scratch_folder.hpp"
#include "sweep/results.hpp"

namespace threepc {
namespace {

bool is_installed() { return std::system("command -v gnuplot >/dev/null 2>&1") == 0; }

class Gnuplot : public ScratchFolder {
 protected:
  void SetUp() override {
    if (!is_installed()) GTEST_SKIP() << "gnuplot is not installed";
  }

  /// What gnuplot understands by them.
  std::vector<std::string> understood(const std::vector<std::string>& texts) const {
    std::string script = "set print 'seen.bin'\ndo for [format in 'a'] {\n";
    for (const std::string& text : texts) script += "print " + gnuplot_text(text) + ".\"\\001\"\n";
    write("figure.gp", script + "}\n");
    EXPECT_EQ(run_gnuplot("."), "");
    std::vector<std::string> seen;
    std::string all = read_text("seen.bin");
    for (std::size_t end; (end = all.find("\001\n")) != all.npos; all.erase(0, end + 2))
      seen.push_back(all.substr(0, end));
    return seen;
  }
};

TEST_F(Gnuplot, ReadsHostileTextAsItStands) {
  const std::vector<std::string> texts = {"a `touch PWNED`",
                                          "$(touch PWNED)",
                                          "@PWNED ${PWNED} $1",
                                          "\"; system('touch PWNED') #",
                                          "'. system(\"true\") .'",
                                          "\\140touch PWNED\\140",
                                          "{/Symbol a}_b^c & <b>",
                                          "50% %s %n %d",
                                          "\xc3\xa9\xc3\xbc \xe2\x88\xa5\xe2\x88\x87"
                                          "f\xe2\x88\xa5",
                                          "ends in \\",
                                          "two\nlines",
                                          ""};
  EXPECT_EQ(understood(texts), texts);
  EXPECT_FALSE(std::filesystem::exists("PWNED"));
}

TEST_F(Gnuplot, ReadsAnyPrintableTextAsItStands) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> character(' ', '~'), length(0, 60);
  std::vector<std::string> texts(200);
  for (std::string& text : texts)
    for (int i = length(random); i > 0; --i) text += static_cast<char>(character(random));
  EXPECT_EQ(understood(texts), texts);
}

TEST_F(Gnuplot, DrawsWhatIsNoTextAndCutsWhatIsLong) {
  const auto seen = understood({"\xff\xfe", "bell\a", std::string(5000, 'x')});
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], "\uFFFD\uFFFD");
  EXPECT_EQ(seen[1], "bell?");
  EXPECT_EQ(seen[2], std::string(200, 'x') + "...");
}

TEST_F(Gnuplot, LeavesNoOldPictureBesideNewData) {
  write("figure.gp", "no command of gnuplot\n");
  for (const char* picture : {"figure.svg", "figure.png"}) write(picture, "old");
  EXPECT_THAT(run_gnuplot("."), testing::HasSubstr("gnuplot ended with code"));
  EXPECT_FALSE(std::filesystem::exists("figure.svg"));
  EXPECT_FALSE(std::filesystem::exists("figure.png"));
}

TEST(GnuplotTic, AFormatIsText) { EXPECT_EQ(gnuplot_tic("50%"), R"("50\045\045")"); }

}  // namespace
}  // namespace threepc
