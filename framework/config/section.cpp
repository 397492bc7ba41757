#include "config/section.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "failure.hpp"
#include "nearest.hpp"

namespace threepc {
namespace {

std::string shown(double value) {
  std::ostringstream out;
  out.precision(15);
  out << value;
  return out.str();
}

std::string described(const Bounds& bounds) {
  std::string text;
  if (std::isfinite(bounds.minimum)) text = (bounds.above_minimum ? "above " : "at least ") + shown(bounds.minimum);
  if (std::isfinite(bounds.maximum))
    text += (text.empty() ? "" : " and ") + std::string("at most ") + shown(bounds.maximum);
  return text;
}

bool inside(double value, const Bounds& bounds) {
  return (bounds.above_minimum ? value > bounds.minimum : value >= bounds.minimum) && value <= bounds.maximum;
}

/// Of --set, which takes for a string what is no TOML, as an integer beyond 64 bits is.
bool is_long_number(const Node& node) {
  const auto* const text = std::get_if<std::string>(&node.value);
  return text != nullptr && text->size() >= 19 && text->find_first_not_of("0123456789") == text->npos;
}

}  // namespace

Section::Section(const Node* node, std::string place) : node_(node), place_(std::move(place)) {
  if (node_ != nullptr && node_->table() == nullptr)
    throw Failure(Exit::usage,
                  node_->origin + ": " + place_ + ": expected a table, [" + place_ + "], got " + node_->type_name());
}

const Node* Section::take(const std::string& key) {
  known_.push_back(key);
  if (node_ == nullptr) return nullptr;
  const auto at = node_->table()->find(key);
  return at == node_->table()->end() ? nullptr : &at->second;
}

void Section::wrong(const Node& node, const std::string& key, const std::string& text) const {
  throw Failure(Exit::usage, node.origin + ": " + (place_.empty() ? "" : place_ + ".") + key + ": " + text);
}

void Section::missing(const std::string& key) const {
  throw Failure(Exit::usage, origin() + ": [" + place_ + "] needs the key '" + key + "'");
}

std::optional<std::string> Section::text(const std::string& key) {
  const Node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = std::get_if<std::string>(&node->value);
  if (value == nullptr) wrong(*node, key, std::string("expected a string in quotes, got ") + node->type_name());
  if (value->find('\0') != std::string::npos) wrong(*node, key, "a string cannot hold a zero byte");
  return *value;
}

std::optional<std::int64_t> Section::integer(const std::string& key, Bounds bounds) {
  const Node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = std::get_if<std::int64_t>(&node->value);
  if (is_long_number(*node))
    wrong(*node, key, "integers end at 9223372036854775807, got " + std::get<std::string>(node->value));
  if (value == nullptr) wrong(*node, key, std::string("expected an integer, got ") + node->type_name());
  if (!inside(static_cast<double>(*value), bounds))
    wrong(*node, key, "must be " + described(bounds) + ", got " + std::to_string(*value));
  return *value;
}

double Section::real_of(const Node& node, const std::string& key, const Bounds& bounds) const {
  double value = 0;
  if (const auto* real = std::get_if<double>(&node.value))
    value = *real;
  else if (const auto* integer = std::get_if<std::int64_t>(&node.value))
    value = static_cast<double>(*integer);
  else
    wrong(node, key, std::string("expected a number, got ") + node.type_name());
  if (!std::isfinite(value)) wrong(node, key, "expected a finite number, got " + shown(value));
  if (!inside(value, bounds)) wrong(node, key, "must be " + described(bounds) + ", got " + shown(value));
  return value;
}

std::optional<double> Section::real(const std::string& key, Bounds bounds) {
  const Node* node = take(key);
  return node == nullptr ? std::nullopt : std::optional(real_of(*node, key, bounds));
}

std::optional<std::vector<double>> Section::reals(const std::string& key, Bounds bounds) {
  const Node* node = take(key);
  if (node == nullptr) return std::nullopt;
  std::vector<double> out;
  for (const Node* item : list(key))
    out.push_back(real_of(*item, key + "[" + std::to_string(out.size()) + "]", bounds));
  if (out.empty()) wrong(*node, key, "expected one or more numbers, got an empty list");
  return out;
}

std::optional<bool> Section::flag(const std::string& key) {
  const Node* node = take(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<bool>(&node->value)) return *value;
  wrong(*node, key, std::string("expected true or false, got ") + node->type_name());
}

std::optional<std::string> Section::choice(const std::string& key, const std::vector<std::string>& choices) {
  auto value = text(key);
  if (!value || std::find(choices.begin(), choices.end(), *value) != choices.end()) return value;
  wrong(*take(key), key, "'" + excerpt(*value) + "' is not one of " + listed(choices) + suggestion(*value, choices));
}

std::vector<const Node*> Section::list(const std::string& key) {
  const Node* node = take(key);
  if (node == nullptr) return {};
  const auto* items = std::get_if<Node::Array>(&node->value);
  if (items == nullptr) wrong(*node, key, std::string("expected a list in [ ], got ") + node->type_name());
  std::vector<const Node*> out;
  for (const Node& item : *items) out.push_back(&item);
  return out;
}

Section Section::child(const std::string& key) { return {take(key), place_of(key)}; }

std::vector<Section> Section::children(const std::string& key) {
  const Node* node = take(key);
  if (node == nullptr) return {};
  const auto* items = std::get_if<Node::Array>(&node->value);
  if (items == nullptr) return {Section(node, place_of(key) + "[0]")};
  std::vector<Section> out;
  for (const Node& item : *items) out.emplace_back(&item, place_of(key) + "[" + std::to_string(out.size()) + "]");
  return out;
}

std::string Section::place_of(const std::string& key) const { return place_.empty() ? key : place_ + "." + key; }

void Section::refuse_unknown(const std::string& owner) const {
  if (node_ == nullptr) return;
  for (const auto& [key, node] : *node_->table()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string where = place_.empty() ? "" : " in [" + place_ + "]";
    throw Failure(Exit::usage, node.origin + ": unknown key '" + excerpt(key) + "'" + where + suggestion(key, known_) +
                                   (owner.empty() ? "; known: " : "; " + owner + " knows: ") + listed(known_) +
                                   left_over(node));
  }
}

std::string Section::left_over(const Node& node) const {
  const auto plugin = node_->table()->find("plugin");
  if (plugin == node_->table()->end() || !plugin->second.on_command_line || node.on_command_line) return "";
  const auto* id = std::get_if<std::string>(&plugin->second.value);
  return "\n  to replace the whole table: --set '" + place_ + "={plugin=\"" + (id ? excerpt(*id) : "...") + "\"}'";
}

}  // namespace threepc
