#include "config/document.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include "failure.hpp"

namespace threepc {
namespace {

constexpr std::size_t deepest = 32;
constexpr std::size_t largest = 1 << 20;  // bytes
constexpr std::size_t most_dots = 100;    // on one line
constexpr std::size_t longest_description = 300;

/// Names the place of every node: by file and position, or by the override that set it.
class Reader {
 public:
  Reader(std::string file, std::string setting) : file_(std::move(file)), override_(std::move(setting)) {}

  Node read(const toml::node& node, std::size_t depth = 0) const {
    if (depth > deepest) throw Failure(Exit::usage, place(node.source()) + ": tables are nested more than 32 deep");
    Node out{{}, place(node.source()), !override_.empty()};
    if (const auto* table = node.as_table())
      out.value = read_table(*table, depth);
    else if (const auto* array = node.as_array())
      out.value = read_array(*array, depth);
    else if (const auto* flag = node.as_boolean())
      out.value = flag->get();
    else if (const auto* integer = node.as_integer())
      out.value = integer->get();
    else if (const auto* real = node.as_floating_point())
      out.value = real->get();
    else if (const auto* text = node.as_string())
      out.value = text->get();
    else
      throw Failure(Exit::usage, out.origin + ": dates and times are not used in a configuration");
    return out;
  }

  std::string place(const toml::source_region& region) const {
    if (!override_.empty()) return "--set " + excerpt(override_);
    return file_ + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column);
  }

 private:
  Node::Table read_table(const toml::table& table, std::size_t depth) const {
    Node::Table out;
    for (const auto& [key, value] : table) {
      Node node = read(value, depth + 1);
      if (override_.empty()) node.origin = place(key.source());
      out.emplace(std::string(key.str()), std::move(node));
    }
    return out;
  }

  Node::Array read_array(const toml::array& array, std::size_t depth) const {
    Node::Array out;
    for (const auto& item : array) out.push_back(read(item, depth + 1));
    return out;
  }

  std::string file_;
  std::string override_;
};

std::string contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  std::array<char, 1 << 14> piece{};
  while (text.size() <= largest && (in.read(piece.data(), piece.size()) || in.gcount() > 0))
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad() || (text.empty() && !in.eof()))
    throw Failure(Exit::usage, file + ": the configuration cannot be read; give the path of a TOML file");
  if (text.size() > largest) throw Failure(Exit::usage, file + ": larger than 1 MiB, so not a configuration");
  return text;
}

/// toml++ bounds the depth of values, not of keys, and its trees are destroyed recursively: "a.a.a.a..." of
/// some hundred thousand levels would overflow the stack.
void refuse_deep_keys(std::string_view text, const std::string& where) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view first = text.substr(0, text.find('\n'));
    if (std::count(first.begin(), first.end(), '.') > static_cast<std::ptrdiff_t>(most_dots))
      throw Failure(Exit::usage,
                    (where.empty() ? "--set " + excerpt(first) : where + ":" + std::to_string(line) + ":1") +
                        ": more than 100 dots on one line; tables are nested at most 32 deep");
    text.remove_prefix(std::min(text.size(), first.size() + 1));
  }
}

/// toml++'s words, where a user needs others: "Error while parsing key-value pair: cannot redefine existing
/// integer 'dim'" is a key that appears twice.
std::string explained(std::string_view description) {
  constexpr std::string_view start = "Error while parsing ", twice = "cannot redefine existing ";
  if (description.starts_with(start)) description.remove_prefix(start.size());
  const std::size_t redefined = description.find(twice);
  const std::size_t name = redefined == std::string_view::npos ? redefined : description.find('\'', redefined);
  if (name != std::string_view::npos) return excerpt(description.substr(name)) + " appears twice; keep one of the two";
  const bool bare_word =
      description.starts_with("boolean") || description.starts_with("value") || description.starts_with("floating");
  return "not valid TOML, in the " + std::string(description.substr(0, longest_description)) +
         (bare_word ? "; a string needs quotes" : "");
}

bool is_toml(const std::string& text) {
  try {
    return !toml::parse(text).empty();
  } catch (const toml::parse_error&) {
    return false;
  }
}

/// `text` is KEY.PATH=VALUE. A value that is no TOML is a string, so that --set transport.plugin=inproc works.
toml::table parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Failure(Exit::usage, "--set " + excerpt(text) + ": expected KEY=VALUE, such as --set mechanism.zeta=32");
  refuse_deep_keys(text, "");
  const std::string key = text.substr(0, equals);
  if (!is_toml(key + " = 0"))
    throw Failure(Exit::usage, "--set " + excerpt(text) + ": '" + excerpt(key) +
                                   "' is no key path; expected something like mechanism.compressor.k");
  const std::size_t start = std::min(text.find_first_not_of(" \t", equals + 1), text.size());
  const bool opens_something = start < text.size() && std::string_view("\"'[{").find(text[start]) != std::string::npos;
  const std::string as_string = key + " = " + to_toml_text(text.substr(start));
  try {
    return toml::parse(opens_something || is_toml(text) ? text : as_string);
  } catch (const toml::parse_error& error) {
    throw Failure(Exit::usage, "--set " + excerpt(text) + ": " + explained(error.description()));
  }
}

/// Sets in `into` what an override says. The tables of its key path are entered; any other value, a table in
/// { } included, replaces what was there.
void apply(Node& into, const toml::table& from, const Reader& reader) {
  if (into.table() == nullptr) into = {Node::Table{}, reader.place({}), true};
  auto& table = std::get<Node::Table>(into.value);
  for (const auto& [key, value] : from) {
    const toml::table* next = value.as_table();
    if (next == nullptr || next->is_inline())
      table.insert_or_assign(std::string(key.str()), reader.read(value));
    else
      apply(table.try_emplace(std::string(key.str()), Node{{}, reader.place({}), true}).first->second, *next, reader);
  }
}

std::string quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    else
      out += c;
  }
  return out + "\"";
}

std::string shortest(double value) {
  char digits[32];
  std::string text(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string listed(const std::vector<double>& reals) {
  std::string out;
  for (const double real : reals) out += (out.empty() ? "[" : ", ") + shortest(real);
  return out + "]";
}

}  // namespace

const char* Node::type_name() const {
  static constexpr const char* names[] = {"a boolean", "an integer", "a real number", "a string", "a list", "a table"};
  return names[value.index()];
}

std::string to_toml_text(const Value& value) {
  if (const auto* reals = std::get_if<std::vector<double>>(&value)) return listed(*reals);
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* real = std::get_if<double>(&value)) return shortest(*real);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  return std::get<bool>(value) ? "true" : "false";
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string out;
  for (const char c : text.substr(0, longest))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? quoted({&c, 1}).substr(1, 6) : std::string(1, c);
  return text.size() > longest ? out + "..." : out;
}

Node parse_document(const std::string& text, const std::string& file) {
  const Reader reader(file, "");
  refuse_deep_keys(text, file);
  try {
    return reader.read(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    throw Failure(Exit::usage, reader.place(error.source()) + ": " + explained(error.description()));
  }
}

Node read_document(const std::string& file, const std::vector<std::string>& overrides) {
  Node document = parse_document(contents(file), file);
  document.origin = file;
  override_document(document, overrides);
  return document;
}

void override_document(Node& document, const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) apply(document, parse_override(text), Reader("", text));
}

}  // namespace threepc
