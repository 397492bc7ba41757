#include "nearest.hpp"

#include <algorithm>

namespace threepc {
namespace {

/// Edits that turn a into b: insert, delete, replace, swap neighbours (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string suggestion(std::string_view wrong, const std::vector<std::string>& known) {
  wrong = wrong.substr(0, 64);  // bounds the work on hostile input
  const std::string* best = nullptr;
  std::size_t smallest = 0;
  for (const std::string& name : known) {
    const std::size_t edits = distance(wrong, name);
    if (edits > std::max<std::size_t>(1, name.size() / 2) || (best != nullptr && edits >= smallest)) continue;
    best = &name;
    smallest = edits;
  }
  return best == nullptr ? "" : " (did you mean '" + *best + "'?)";
}

std::string listed(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace threepc
