// A plugin as the configuration asks for it: which one, with which values, which children.
#pragma once

#include <threepc/abi.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace threepc {

/// A checked value of a parameter; a path is a string here.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>>;

struct PluginSpec {
  const tpc_descriptor* descriptor = nullptr;
  std::string file;                           // the library that it came from
  std::string place;                          // "mechanism.compressor", the key path of its table
  std::vector<std::optional<Value>> values;   // one per descriptor->params, defaults filled in
  std::vector<PluginSpec> children;           // one per descriptor->slots, or more where the last is repeated
  std::map<std::string, std::string> origin;  // key -> "run.toml:12:5", for messages about a parameter
};

/// The slot that child number `child` of this plugin sits in.
inline const tpc_slot& slot_of(const tpc_descriptor& descriptor, std::size_t child) {
  return *descriptor.slots[child < descriptor.slot_count ? child : descriptor.slot_count - 1];
}

/// The parameter's default; none for one without.
std::optional<Value> preset_of(const tpc_param& param);

}  // namespace threepc
