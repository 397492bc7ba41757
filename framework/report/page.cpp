#include "report/page.hpp"

#include <cmath>

#include "report/page_files.hpp"
#include "version.hpp"

namespace threepc::report {
namespace {

/// Counters are whole numbers: "64008", not "64008.0".
Json number(double value) {
  constexpr double exact = 9007199254740992;  // 2^53
  if (std::abs(value) < exact && value == std::trunc(value)) return static_cast<std::int64_t>(value);
  return number_or_null(value);
}

Json series_data(const std::vector<Series>& all) {
  Json out = Json::object();
  for (const Series& series : all) {
    Json values = Json::array();
    for (const double value : series.values) values.push_back(number(value));
    out[series.key] = std::move(values);
  }
  return out;
}

Json run_data(const RunRecord& run, const std::string& label) {
  return {{"label", label},
          {"name", run.name},
          {"folder", run.folder},
          {"lines", run.lines},
          {"notes", run.notes},
          {"settings", run.settings},
          {"summary", run.summary},
          {"milestones", series_data(run.milestones)},
          {"series", series_data(run.series)}};
}

/// JSON inside a script element: nothing in it may look like the element's end, or like a comment's start.
std::string script_text(const Json& data) {
  const std::string json = to_text(data, -1, true);
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else if (c == '&')
      out += "\\u0026";
    else
      out += c;
  }
  return out;
}

}  // namespace

Json page_data(const std::vector<RunRecord>& runs) {
  std::vector<Settings> settings;
  settings.reserve(runs.size());
  for (const RunRecord& run : runs) settings.push_back(run.settings);
  const std::vector<std::string> names = labels(runs);
  Json out = {
      {"format", 1}, {"threepc_version", version()}, {"differing", differing_keys(settings)}, {"runs", Json::array()}};
  for (std::size_t i = 0; i < runs.size(); ++i) out["runs"].push_back(run_data(runs[i], names[i]));
  return out;
}

std::string page(const Json& data) {
  const std::pair<std::string_view, std::string> parts[] = {{"{{style}}", std::string(page_css)},
                                                            {"{{data}}", script_text(data)},
                                                            {"{{plotly}}", std::string(plotly_basic_min_js)},
                                                            {"{{script}}", std::string(page_js)}};
  std::string out;
  std::string_view rest = page_html;
  for (const auto& [place, text] : parts) {  // in the order of the places; what was put in is not searched again
    const std::size_t at = rest.find(place);
    out.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + place.size());
  }
  return out.append(rest);
}

}  // namespace threepc::report
