#include "report/differences.hpp"

#include <set>

namespace threepc::report {
namespace {

std::string value_text(const Node& node);

std::string text_of(const Node::Array& items) {
  std::string out;
  for (const Node& item : items) out.append(out.empty() ? "[" : ", ").append(value_text(item));
  return out.empty() ? "[]" : out + "]";
}

std::string text_of(const Node::Table& table) {
  std::string out;
  for (const auto& [key, value] : table)
    out.append(out.empty() ? "{" : ", ").append(key).append(" = ").append(value_text(value));
  return out.empty() ? "{}" : out + "}";
}

std::string text_of(const auto& value) { return to_toml_text(value); }

std::string value_text(const Node& node) {
  return std::visit([](const auto& value) { return text_of(value); }, node.value);
}

void flatten(const Node& node, const std::string& path, Settings& into) {
  if (node.table() == nullptr) {
    into[path] = value_text(node);
    return;
  }
  const std::string prefix = path.empty() ? "" : path + ".";
  for (const auto& [key, value] : *node.table()) flatten(value, prefix + key, into);
}

bool differs(const std::string& key, const std::vector<Settings>& runs) {
  std::set<std::string> values;
  for (const Settings& run : runs) {
    if (run.empty()) continue;
    const auto found = run.find(key);
    values.insert(found == run.end() ? "" : found->second);  // no value is written as ""
  }
  return values.size() > 1;
}

}  // namespace

Settings settings_of(const Node& config) {
  Settings out;
  flatten(config, "", out);
  return out;
}

std::vector<std::string> differing_keys(const std::vector<Settings>& runs) {
  std::set<std::string> keys;
  for (const Settings& run : runs)
    for (const auto& [key, value] : run) keys.insert(key);
  for (const char* place : {"run.name", "run.out"}) keys.erase(place);
  std::erase_if(keys, [&](const std::string& key) { return !differs(key, runs); });
  return {keys.begin(), keys.end()};
}

}  // namespace threepc::report
