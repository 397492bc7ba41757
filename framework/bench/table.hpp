// What a bench has measured, for people and for programs.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace threepc::bench {

/// One line: a name, and numbers under the headings of its table.
struct Row {
  std::string name;
  std::vector<double> values;  // NaN: none
  std::string note = "";       // in place of values
};

struct Table {
  std::string title;
  std::vector<std::string> headings;  // of the values; also the keys in JSON
  std::vector<Row> rows;
};

std::string to_text(const Table& table);
/// An object of tables by title, each an array of objects.
std::string to_json_text(const std::vector<Table>& tables);

}  // namespace threepc::bench
