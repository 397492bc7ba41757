#include "sweep/axis.hpp"

#include <charconv>
#include <cmath>
#include <regex>

#include "failure.hpp"

namespace threepc {
namespace {

constexpr double most_values = 10000;
constexpr double exact_integers = 9007199254740992;  // 2^53

[[noreturn]] void wrong(const Node& node, const std::string& key, const std::string& text) {
  throw Failure(Exit::usage, node.origin + ": " + key + ": " + text);
}

double number(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool whole(const std::string& text) { return text.find_first_of(".eE") == std::string::npos; }

/// 0.1 * 3 is 0.30000000000000004; who wrote "0..1 step 0.1" meant 0.3.
double rounded(double value) {
  char digits[32];
  return number({digits, std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 12).ptr});
}

Node numeral(double value, bool integer, const Node& from) {
  Node out{value, from.origin, from.on_command_line};
  if (integer) out.value = static_cast<std::int64_t>(value);
  return out;
}

void check_count(double count, const Node& node, const std::string& key) {
  if (!(count >= 1)) wrong(node, key, "the range ends before it starts; write the smaller end first");
  if (count > most_values) wrong(node, key, "the range has more than 10000 values");
}

std::vector<Node> powers(const std::smatch& match, const Node& node, const std::string& key) {
  if (match[1] != match[3])
    wrong(node, key, "the ends are powers of " + match[1].str() + " and of " + match[3].str() + "; use one base");
  const double base = number(match[1]), first = number(match[2]), last = number(match[4]);
  check_count(last - first + 1, node, key);
  std::vector<Node> out;
  for (double exponent = first; exponent <= last; ++exponent) {
    const double value = std::pow(base, exponent);
    if (!std::isfinite(value) || value == 0)
      wrong(node, key, "the range leaves what a real number holds; use smaller exponents");
    out.push_back(numeral(value, whole(match[1]) && exponent >= 0 && value < exact_integers, node));
  }
  return out;
}

std::vector<Node> steps(const std::smatch& match, const Node& node, const std::string& key) {
  const double first = number(match[1]), last = number(match[2]);
  const double step = match[3].matched ? number(match[3]) : 1;
  if (!(step > 0)) wrong(node, key, "the step must be above 0, got " + match[3].str());
  const double count = std::floor((last - first) / step + 1e-9) + 1;
  check_count(count, node, key);
  const bool integer = whole(match[1]) && (!match[3].matched || whole(match[3]));
  std::vector<Node> out;
  for (double i = 0; i < count; ++i) {
    const double value = first + i * step;
    out.push_back(numeral(integer ? value : rounded(value), integer, node));
  }
  return out;
}

std::vector<Node> range(const std::string& text, const Node& node, const std::string& key) {
  static const std::regex power(R"(\s*(\d+(?:\.\d+)?)\^(-?\d{1,4})\s*\.\.\s*(\d+(?:\.\d+)?)\^(-?\d{1,4})\s*)");
  static const std::string real = R"((-?\d{1,15}(?:\.\d{1,15})?(?:[eE]-?\d{1,3})?))";
  static const std::regex step("\\s*" + real + R"(\s*\.\.\s*)" + real + "(?:\\s+step\\s+" + real + ")?\\s*");
  std::smatch match;
  const std::string shown = text.substr(0, 200);  // bounds the work on hostile input
  if (std::regex_match(shown, match, power)) return powers(match, node, key);
  if (std::regex_match(shown, match, step)) return steps(match, node, key);
  wrong(node, key,
        "'" + excerpt(text) +
            "' is no range; expected a list [1, 3, 8], or \"2^0..2^11\", \"1..10\", \"0..1 step 0.25\"");
}

Value scalar(const Node& node) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
  if (const auto* real = std::get_if<double>(&node.value)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return *integer;
  return std::get<bool>(node.value);
}

std::string as_toml(const Node& node);

std::string joined(const Node::Array& items) {
  std::string out;
  for (const Node& item : items) out += (out.empty() ? "" : ", ") + as_toml(item);
  return "[" + out + "]";
}

/// `plugin` first, as a person writes it.
std::string joined(const Node::Table& table) {
  std::string out;
  const auto add = [&](const auto& entry) {
    out += (out.empty() ? "" : ", ") + entry.first + " = " + as_toml(entry.second);
  };
  const auto plugin = table.find("plugin");
  if (plugin != table.end()) add(*plugin);
  for (auto entry = table.begin(); entry != table.end(); ++entry)
    if (entry != plugin) add(*entry);
  return "{" + out + "}";
}

std::string as_toml(const Node& node) {
  if (const auto* items = std::get_if<Node::Array>(&node.value)) return joined(*items);
  if (node.table() != nullptr) return joined(*node.table());
  return to_toml_text(scalar(node));
}

}  // namespace

std::vector<Node> axis_values(const Node& node, const std::string& key) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return range(*text, node, key);
  const auto* items = std::get_if<Node::Array>(&node.value);
  if (items == nullptr)
    wrong(node, key, std::string("expected a list in [ ] or a range such as \"2^0..2^11\", got ") + node.type_name());
  if (items->empty()) wrong(node, key, "the list is empty; give at least one value, or leave the axis out");
  return *items;
}

std::string label(const Node& value) {
  if (const auto* text = std::get_if<std::string>(&value.value)) return *text;
  std::string out = as_toml(value);
  if (std::holds_alternative<double>(value.value) && out.ends_with(".0")) out.resize(out.size() - 2);
  return out;
}

}  // namespace threepc
