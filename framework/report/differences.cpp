#include "report/differences.hpp"

#include <set>

namespace threepc::report {
namespace {

std::string value_text(const Node& node) {
  if (const auto* flag = std::get_if<bool>(&node.value)) return to_toml_text(*flag);
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return to_toml_text(*integer);
  if (const auto* real = std::get_if<double>(&node.value)) return to_toml_text(*real);
  if (const auto* text = std::get_if<std::string>(&node.value)) return to_toml_text(*text);
  std::string out;
  if (const auto* array = std::get_if<Node::Array>(&node.value)) {
    for (const Node& item : *array) out += (out.empty() ? "" : ", ") + value_text(item);
    return "[" + out + "]";
  }
  for (const auto& [key, value] : *node.table()) out += (out.empty() ? "" : ", ") + key + " = " + value_text(value);
  return "{" + out + "}";
}

void flatten(const Node& node, const std::string& path, Settings& into) {
  if (node.table() == nullptr) {
    into[path] = value_text(node);
    return;
  }
  for (const auto& [key, value] : *node.table()) flatten(value, path.empty() ? key : path + "." + key, into);
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
