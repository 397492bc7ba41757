#include "config/document.hpp"

#include <toml++/toml.h>

#include <fstream>
#include <sstream>

#include "failure.hpp"

namespace threepc {
namespace {

constexpr std::size_t deepest = 32;

/// Names the place of every node: by file and position, or by the override that set it.
class Reader {
 public:
  Reader(std::string file, std::string setting) : file_(std::move(file)), override_(std::move(setting)) {}

  Node read(const toml::node& node, std::size_t depth = 0) const {
    if (depth > deepest) throw Failure(Exit::usage, place(node.source()) + ": tables are nested more than 32 deep");
    Node out{{}, place(node.source()), !override_.empty(), false};
    if (const auto* table = node.as_table()) {
      out.value = read_table(*table, depth);
      out.complete = table->is_inline();
    } else if (const auto* array = node.as_array())
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
    if (!override_.empty()) return "--set " + override_;
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
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad())
    throw Failure(Exit::usage, file + ": the configuration cannot be read; give the path of a TOML file");
  return text.str();
}

Node parse_file(const std::string& file) {
  const Reader reader(file, "");
  try {
    return reader.read(toml::parse(contents(file), file));
  } catch (const toml::parse_error& error) {
    throw Failure(Exit::usage, reader.place(error.source()) + ": " + std::string(error.description()));
  }
}

/// `text` is KEY.PATH=VALUE. A value that is no TOML is a string, so that --set transport.plugin=inproc works.
Node parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Failure(Exit::usage, "--set " + text + ": expected KEY=VALUE, such as --set mechanism.zeta=32");
  const Reader reader("", text);
  try {
    return reader.read(toml::parse(text));
  } catch (const toml::parse_error&) {
    const std::string key = text.substr(0, equals);
    try {
      Node quoted = reader.read(toml::parse(key + " = ''"));
      Node* leaf = &quoted;
      while (std::holds_alternative<Node::Table>(leaf->value))
        leaf = &std::get<Node::Table>(leaf->value).begin()->second;
      leaf->value = text.substr(equals + 1);
      return quoted;
    } catch (const toml::parse_error& error) {
      throw Failure(Exit::usage,
                    "--set " + text + ": '" + key + "' is no key path: " + std::string(error.description()));
    }
  }
}

void merge(Node& into, Node&& from) {
  auto* const old_table = std::get_if<Node::Table>(&into.value);
  auto* const new_table = std::get_if<Node::Table>(&from.value);
  if (old_table == nullptr || new_table == nullptr || from.complete) {
    into = std::move(from);
    return;
  }
  for (auto& [key, value] : *new_table) {
    const auto [at, added] = old_table->try_emplace(key, value);
    if (!added) merge(at->second, std::move(value));
  }
}

}  // namespace

const char* Node::type_name() const {
  static constexpr const char* names[] = {"a boolean", "an integer", "a real number", "a string", "a list", "a table"};
  return names[value.index()];
}

std::string to_toml_text(const Value& value) {
  std::ostringstream out;
  std::visit([&](const auto& v) { out << toml::value(v); }, value);
  return out.str();
}

Node read_document(const std::string& file, const std::vector<std::string>& overrides) {
  Node document = parse_file(file);
  document.origin = file;
  for (const std::string& text : overrides) merge(document, parse_override(text));
  return document;
}

}  // namespace threepc
