// What the host demands of an entry before it calls anything of the plugin. Everything here only reads.
#include <cmath>
#include <cstddef>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "plugin/kinds.hpp"
#include "plugin/library.hpp"
#include "plugin/spec.hpp"

namespace threepc {
namespace {

/// Thrown inside this file only; check_entry turns it into its text.
struct Fault {
  std::string text;
};

template <class... Parts>
[[noreturn]] void fault(const Parts&... parts) {
  std::string text;
  ((text += parts), ...);
  throw Fault{std::move(text)};
}

void require_size(std::uint32_t seen, std::size_t expected, const std::string& what) {
  if (seen < expected)
    fault(what, " is truncated: struct_size is ", std::to_string(seen), ", at least ", std::to_string(expected),
          " expected; rebuild the plugin against this version's headers");
}

bool well_formed(const char* name, std::string_view extra) {
  if (name == nullptr || *name == '\0' || std::strlen(name) > 59) return false;
  for (const char* c = name; *c != '\0'; ++c)
    if (!(('a' <= *c && *c <= 'z') || ('0' <= *c && *c <= '9') || extra.find(*c) != std::string_view::npos))
      return false;
  return true;
}

void check_key(const char* key, std::set<std::string>& seen, const std::string& where) {
  if (!well_formed(key, "_")) fault(where, ": a key must be 1 to 59 lower-case letters, digits and '_'");
  if (std::string_view(key) == "plugin") fault(where, ": the key 'plugin' is the host's");
  if (!seen.insert(key).second) fault(where, ": the key '", key, "' is there twice");
}

bool in_range(const tpc_param& param, double value) {
  const bool above = (param.flags & TPC_PARAM_OPEN_MINIMUM) != 0 ? value > param.minimum : value >= param.minimum;
  return above && value <= param.maximum;
}

void check_choices(const tpc_param& param, const std::string& where) {
  if (param.choices == nullptr) fault(where, ": choice_count is not 0 but choices is null");
  bool preset_is_choice = false;
  for (std::uint32_t i = 0; i < param.choice_count; ++i) {
    if (param.choices[i] == nullptr) fault(where, ": a choice is null");
    preset_is_choice |= param.preset.string != nullptr && std::strcmp(param.choices[i], param.preset.string) == 0;
  }
  if ((param.flags & TPC_PARAM_HAS_DEFAULT) != 0 && !preset_is_choice)
    fault(where, ": the default is not one of the choices");
}

void check_preset(const tpc_param& param, const std::string& where) {
  if (param.type == TPC_REALS) fault(where, ": a list cannot have a default");
  if (param.preset.type != param.type) fault(where, ": the default has another type than the parameter");
  const bool text = param.type == TPC_STRING || param.type == TPC_PATH;
  if (text && param.preset.string == nullptr) fault(where, ": the default is a null string");
  const bool number = param.type == TPC_INTEGER || param.type == TPC_REAL;
  const double value = param.type == TPC_REAL ? param.preset.real : static_cast<double>(param.preset.integer);
  if (number && !in_range(param, value)) fault(where, ": the default is outside the parameter's own range");
}

void check_param(const tpc_param* param, std::set<std::string>& keys, const std::string& owner) {
  if (param == nullptr) fault(owner, ": a parameter is null");
  require_size(param->struct_size, sizeof(tpc_param), owner + ": a parameter");
  check_key(param->key, keys, owner + ": parameter");
  const std::string where = owner + ": parameter '" + param->key + "'";
  if (param->type < TPC_BOOL || param->type > TPC_REALS) fault(where, ": unknown type ", std::to_string(param->type));
  if (param->doc == nullptr || *param->doc == '\0') fault(where, ": has no sentence that explains it");
  if (param->unit == nullptr) fault(where, ": the unit is null (\"\" for a pure number)");
  if (!(param->minimum <= param->maximum)) fault(where, ": the minimum is above the maximum");
  if (param->choice_count > 0 && param->type != TPC_STRING) fault(where, ": only a string has choices");
  if (param->choice_count > 0) check_choices(*param, where);
  if ((param->flags & TPC_PARAM_HAS_DEFAULT) != 0) check_preset(*param, where);
}

void check_slot(const tpc_slot* slot, std::set<std::string>& keys, const std::string& owner) {
  if (slot == nullptr) fault(owner, ": a slot is null");
  require_size(slot->struct_size, sizeof(tpc_slot), owner + ": a slot");
  check_key(slot->key, keys, owner + ": slot");
  const std::string where = owner + ": slot '" + slot->key + "'";
  if (slot->kind != TPC_COMPRESSOR && slot->kind != TPC_MECHANISM)
    fault(where, ": takes neither a compressor nor a mechanism");
  if ((slot->flags & ~std::uint32_t{TPC_SLOT_REPEATED}) != 0) fault(where, ": has unknown flags");
  if (slot->accepts > TPC_UNBIASED) fault(where, ": accepts an unknown class of compressors");
  if (slot->doc == nullptr || *slot->doc == '\0') fault(where, ": has no sentence that explains it");
}

void check_table(const tpc_descriptor& d, const Kind& kind, const std::string& owner) {
  if (d.table == nullptr) fault(owner, ": its function table is null");
  std::uint32_t size = 0;  // every table begins with its struct_size
  std::memcpy(&size, d.table, sizeof size);
  require_size(size, kind.least, owner + ": its function table");
  for (const RequiredFunction& function : kind.required) {
    void (*pointer)() = nullptr;
    std::memcpy(&pointer, static_cast<const std::byte*>(d.table) + function.offset, sizeof pointer);
    if (pointer == nullptr) fault(owner, ": the required function '", function.name, "' is null");
  }
}

void check_slots(const tpc_descriptor& d, const Kind& kind, std::set<std::string>& keys, const std::string& owner) {
  if (d.slot_count > 0 && d.slots == nullptr) fault(owner, ": slot_count is not 0 but slots is null");
  if (d.slot_count > 0 && kind.takes == 0) fault(owner, ": only a mechanism or a compressor has slots");
  if (d.slot_count > 31) fault(owner, ": has more than 31 slots");
  for (std::uint32_t i = 0; i < d.slot_count; ++i) {
    check_slot(d.slots[i], keys, owner);
    const std::string where = owner + ": slot '" + d.slots[i]->key + "'";
    if ((kind.takes & 1U << d.slots[i]->kind) == 0) fault(where, ": a compressor takes compressors");
    if ((d.slots[i]->flags & TPC_SLOT_REPEATED) != 0 && i + 1 < d.slot_count)
      fault(where, ": only the last slot may be repeated");
  }
}

void check_descriptor(const tpc_descriptor* d) {
  if (d == nullptr) fault("a descriptor is null");
  require_size(d->struct_size, offsetof(tpc_descriptor, theory), "a descriptor");
  const Kind* const kind = find_kind(d->kind);
  if (kind == nullptr) fault("a descriptor has the unknown kind ", std::to_string(d->kind));
  if (!well_formed(d->id, "+-_"))
    fault("a ", kind->name, "'s id must be 1 to 59 lower-case letters, digits, '+', '-' and '_'");

  const std::string owner = std::string(kind->name) + " '" + d->id + "'";
  if (d->version == nullptr || *d->version == '\0') fault(owner, ": has no version");
  if (d->summary == nullptr || *d->summary == '\0') fault(owner, ": has no summary");
  if (d->paper == nullptr) fault(owner, ": the paper is null (\"\" for none)");
  if ((d->dtypes & (TPC_F32 | TPC_F64)) == 0) fault(owner, ": supports neither f32 nor f64");
  if (d->state_vectors > 64) fault(owner, ": asks for more than 64 state vectors");
  if (d->param_count > 0 && d->params == nullptr) fault(owner, ": param_count is not 0 but params is null");
  std::set<std::string> keys;
  for (std::uint32_t i = 0; i < d->param_count; ++i) check_param(d->params[i], keys, owner);
  check_slots(*d, *kind, keys, owner);
  check_table(*d, *kind, owner);
}

void check_all(const tpc_entry& entry) {
  if (entry.magic != TPC_ABI_MAGIC) fault("tpc_entry_v1 has the wrong magic number: it was not written by this SDK");
  if (entry.abi_major != TPC_ABI_MAJOR)
    fault("was built for version ", std::to_string(entry.abi_major),
          " of the plugin boundary; this program has version ", std::to_string(TPC_ABI_MAJOR), "; rebuild the plugin");
  require_size(entry.struct_size, sizeof(tpc_entry), "tpc_entry_v1");
  if (entry.descriptor_count == 0 || entry.descriptors == nullptr) fault("offers no plugin");

  std::set<std::pair<tpc_kind, std::string>> ids;
  for (std::uint32_t i = 0; i < entry.descriptor_count; ++i) {
    check_descriptor(entry.descriptors[i]);
    const tpc_descriptor& d = *entry.descriptors[i];
    if (!ids.emplace(d.kind, d.id).second) fault("offers the ", kind_name(d.kind), " '", d.id, "' twice");
  }
}

}  // namespace

std::optional<Value> preset_of(const tpc_param& param) {
  if ((param.flags & TPC_PARAM_HAS_DEFAULT) == 0) return std::nullopt;
  switch (param.type) {
    case TPC_BOOL:
      return param.preset.integer != 0;
    case TPC_INTEGER:
      return param.preset.integer;
    case TPC_REAL:
      return param.preset.real;
    default:
      return std::string(param.preset.string);
  }
}

std::string check_entry(const tpc_entry& entry) {
  try {
    check_all(entry);
    return "";
  } catch (const Fault& found) {
    return found.text;
  }
}

}  // namespace threepc
