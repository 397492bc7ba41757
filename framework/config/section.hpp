// Reading one table of the configuration: every key is taken with its type and bounds, and what nobody took
// is an error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "plugin/spec.hpp"

namespace threepc {

struct Bounds {
  double minimum, maximum;
  bool above_minimum = false;
};

class Section {
 public:
  /// `node` is the table at `place` ("mechanism.compressor"); nullptr: a table that was not written.
  Section(const Node* node, std::string place);

  /// The node of a key, nullptr if it is not there; the key counts as known from now on.
  const Node* take(const std::string& key);

  std::optional<std::string> text(const std::string& key);
  std::optional<std::int64_t> integer(const std::string& key, Bounds bounds);
  std::optional<double> real(const std::string& key, Bounds bounds);
  /// One or more reals, each within `bounds`.
  std::optional<std::vector<double>> reals(const std::string& key, Bounds bounds);
  std::optional<bool> flag(const std::string& key);
  /// Throws unless the value is one of `choices`.
  std::optional<std::string> choice(const std::string& key, const std::vector<std::string>& choices);
  /// The enumerator at the place that the value has in `names`, which are in the order of the enumeration.
  template <class Enum, class Names>
  std::optional<Enum> enumerator(const std::string& key, const Names& names) {
    const auto text = choice(key, {std::begin(names), std::end(names)});
    if (!text) return std::nullopt;
    return static_cast<Enum>(std::find(std::begin(names), std::end(names), *text) - std::begin(names));
  }
  std::vector<const Node*> list(const std::string& key);
  Section child(const std::string& key);
  /// The tables of [[key]], at the places key[0], key[1], ...; a single [key] is a list of one.
  std::vector<Section> children(const std::string& key);

  /// Throws for a key that nobody took, and suggests the nearest one. `owner` is whose keys they are.
  void refuse_unknown(const std::string& owner = "") const;

  const std::string& place() const { return place_; }
  /// Where the table was written, or the file's name when it was not.
  std::string origin() const { return node_ == nullptr ? "" : node_->origin; }
  /// Throws Failure(Exit::usage): "run.toml:3:1: seed: expected an integer, got a string".
  [[noreturn]] void wrong(const Node& node, const std::string& key, const std::string& text) const;
  /// Throws Failure(Exit::usage): this table needs the key.
  [[noreturn]] void missing(const std::string& key) const;

 private:
  /// What to do about a key of the file that an override of `plugin` has made unknown; "" otherwise.
  std::string left_over(const Node& node) const;
  std::string place_of(const std::string& key) const;
  double real_of(const Node& node, const std::string& key, const Bounds& bounds) const;

  const Node* node_;
  std::string place_;
  std::vector<std::string> known_;
};

}  // namespace threepc
