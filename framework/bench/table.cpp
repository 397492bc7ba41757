#include "bench/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "record/json.hpp"

namespace threepc::bench {
namespace {

std::string shown(double value) {
  char text[32];
  if (std::isnan(value)) return "-";
  std::snprintf(text, sizeof text, value != 0 && std::abs(value) < 100 ? "%.3g" : "%.0f", value);
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string space(width - std::min(width, text.size()), ' ');
  return left ? text + space : space + text;
}

}  // namespace

std::string to_text(const Table& table) {
  std::size_t first = 0;
  for (const Row& row : table.rows) first = std::max(first, row.name.size());
  std::string out = table.title + "\n" + std::string(first + 2, ' ');
  for (const std::string& heading : table.headings) out += "  " + padded(heading, 10, false);
  out += "\n";
  for (const Row& row : table.rows) {
    out += "  " + padded(row.name, first, true);
    if (!row.note.empty()) out += "  " + row.note;
    for (std::size_t i = 0; i < row.values.size(); ++i)
      out += "  " + padded(shown(row.values[i]), std::max<std::size_t>(10, table.headings[i].size()), false);
    out += "\n";
  }
  return out;
}

std::string to_json_text(const std::vector<Table>& tables) {
  Json out = Json::object();
  for (const Table& table : tables) {
    Json rows = Json::array();
    for (const Row& row : table.rows) {
      Json one = {{"name", row.name}};
      if (!row.note.empty()) one["note"] = row.note;
      for (std::size_t i = 0; i < row.values.size(); ++i) one[table.headings[i]] = number_or_null(row.values[i]);
      rows.push_back(std::move(one));
    }
    out[table.title] = std::move(rows);
  }
  return threepc::to_text(out, 2) + "\n";
}

}  // namespace threepc::bench
