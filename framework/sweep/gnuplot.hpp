// gnuplot, as the program that draws: text for its language, and a run of it.
#pragma once

#include <string>

namespace threepc {

/// `text` as a string of gnuplot's language that is that text and nothing else: gnuplot runs `commands` in backquotes
/// even inside of strings, so whatever is not a letter, a digit or harmless punctuation is written as an octal escape.
/// Bytes that are no UTF-8 become U+FFFD, control characters other than a line's end '?'; beyond 200 bytes it is cut.
std::string gnuplot_text(const std::string& text);

/// The same for the label of a tic, where gnuplot takes % for a format.
std::string gnuplot_tic(const std::string& text);

/// Lets gnuplot make figure.svg and figure.png of FOLDER/figure.gp; pictures of an earlier run are removed first.
/// Returns "" or why there are none.
std::string run_gnuplot(const std::string& folder);

}  // namespace threepc
