#include "report/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/page_files.hpp"
#include "run_folder.hpp"

namespace threepc::test {
namespace {

using report::RunRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

std::string data_text(const std::string& page) {
  const std::string start = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(start) + start.size();
  return page.substr(at, page.find("</script>", at) - at);
}

RunRecord hostile_run(const std::string& text) {
  RunRecord run;
  run.name = run.folder = text;
  run.notes = {text};
  run.series = {{"round", {0}}, {text, {1}}};
  run.settings = {{text, text}};
  run.summary = {{text, text}};
  return run;
}

TEST(Page, KeepsWhateverFilesSayAsData) {
  const std::string plain = report::page(report::page_data({hostile_run("harmless")}));
  for (const std::string text :
       {"</script><script>alert(1)</script>", "<!--<script>", "{{script}}", "{{plotly}}", "]]>&lt;\"'"}) {
    const Json data = report::page_data({hostile_run(text)});
    const std::string page = report::page(data);
    EXPECT_EQ(count(page, "<script"), count(plain, "<script")) << text;
    EXPECT_EQ(count(page, "</script"), count(plain, "</script")) << text;
    EXPECT_EQ(Json::parse(data_text(page)), data) << text;
    EXPECT_THAT(data_text(page), Not(HasSubstr("<")));
  }
}

TEST(Page, SurvivesBytesThatAreNoText) {
  const std::string page = report::page(report::page_data({hostile_run("\xff\xc3(\xe2\x80\xa8")}));
  EXPECT_EQ(Json::parse(data_text(page))["runs"][0]["name"], "\uFFFD\uFFFD(\u2028");
}

TEST(Page, LoadsNothing) {
  const std::string own = std::string(report::page_html) + std::string(report::page_css) + std::string(report::page_js);
  for (const char* loader : {"https:", "src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest", "import("})
    EXPECT_THAT(own, Not(HasSubstr(loader)));
  EXPECT_EQ(count(own, "http:"), count(own, "http://www.w3.org/2000/svg"));
  EXPECT_THAT(own, HasSubstr("default-src 'none'"));
}

TEST(Page, ContainsThePlottingLibraryByteForByte) {
  EXPECT_EQ(report::plotly_basic_min_js, read_file(THREEPC_PLOTLY));
  EXPECT_EQ(count(report::page(report::page_data({})), report::plotly_basic_min_js), 1u);
}

TEST(Page, HasItsMarkWhereItIsLookedFor) { EXPECT_LT(report::page_html.find(report::page_mark), 500u); }

TEST(Page, DataAreColumnsWithWholeNumbersAndNull) {
  RunRecord run = hostile_run("a");
  run.series = {{"round", {0, 1}},
                {"f", {0.1, std::numeric_limits<double>::quiet_NaN()}},
                {"uplink_bits_per_worker", {64000, 1e300}}};
  const Json data = report::page_data({run});
  EXPECT_EQ(data["format"], 1);
  EXPECT_EQ(data["runs"][0]["series"].dump(),
            R"({"round":[0,1],"f":[0.1,null],"uplink_bits_per_worker":[64000,1e+300]})");
}

TEST(Page, TheSameRunsGiveTheSamePage) {
  const Folder folder;
  const std::string run = write_finished_run(folder, "a", "a");
  const auto page = [&] { return report::page(report::page_data({report::read_run(run)})); };
  EXPECT_EQ(page(), page());
}

}  // namespace
}  // namespace threepc::test
