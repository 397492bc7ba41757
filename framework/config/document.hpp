// A TOML file and the command line's overrides as one small tree that knows where everything was written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plugin/spec.hpp"

namespace threepc {

/// A value or a table of the document.
struct Node {
  using Table = std::map<std::string, Node>;
  using Array = std::vector<Node>;

  std::variant<bool, std::int64_t, double, std::string, Array, Table> value;
  std::string origin;            // "run.toml:12:5", or "--set mechanism.zeta=32"
  bool on_command_line = false;  // relative paths are then relative to the current folder

  const Table* table() const { return std::get_if<Table>(&value); }
  /// "a string", "a table", ... for messages
  const char* type_name() const;
};

/// Parses `file` and applies `overrides` ("key.path=value", the value in TOML, or a bare word taken as a
/// string; a table in braces replaces the one that is there) in their order. Throws Failure(Exit::usage) with
/// FILE:LINE:COLUMN for a file that cannot be read, is not TOML, or names a key twice.
Node read_document(const std::string& file, const std::vector<std::string>& overrides);

/// The same for a text that is at hand; `file` is what messages call it.
Node parse_document(const std::string& text, const std::string& file);

/// Applies `overrides` to a document that was read before.
void override_document(Node& document, const std::vector<std::string>& overrides);

/// The value as TOML writes it: a string quoted and escaped, a real in the shortest form that reads back to the
/// same bits, always with a point or an exponent.
std::string to_toml_text(const Value& value);

/// What somebody wrote, fit for a message: control characters escaped, a long text cut.
std::string excerpt(std::string_view text);

}  // namespace threepc
