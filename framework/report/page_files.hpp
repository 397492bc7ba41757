// The files that a page is made of, as embed.cmake put them into the program.
#pragma once

#include <string_view>

namespace threepc::report {

extern const std::string_view page_html, page_css, page_js;
extern const std::string_view plotly_basic_min_js;  // third_party/plotly

}  // namespace threepc::report
