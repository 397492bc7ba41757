#include "config/resolve.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "failure.hpp"
#include "nearest.hpp"
#include "plugin/kinds.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

std::string available(const Catalog& catalog, tpc_kind kind) {
  std::vector<std::string> ids;
  for (const Offer& offer : catalog.offers())
    if (offer.kind == kind) ids.push_back(offer.id);
  return listed(std::move(ids));
}

/// " (a folder)" for what is there and cannot be mapped as a data file; "" for nothing.
std::string what_it_is(const fs::path& place) {
  std::error_code ignored;
  const fs::file_status status = fs::status(place, ignored);
  if (fs::is_directory(status)) return ", which is a folder";
  if (fs::is_fifo(status)) return ", which is a pipe, and data are read twice: write them to a file";
  return fs::exists(status) ? ", which is no regular file" : "";
}

/// A relative path is looked for beside the configuration (one given by --set: in the current folder), then
/// below THREEPC_DATA, then by its file name alone in THREEPC_DATA.
std::string find_file(const std::string& path, const Node& node, const std::string& key,
                      const ResolveContext& context) {
  const fs::path given(path);
  std::vector<fs::path> places;
  if (given.is_absolute())
    places.push_back(given);
  else {
    places.push_back((node.on_command_line ? fs::current_path() : fs::path(context.folder)) / given);
    if (const char* data = std::getenv("THREEPC_DATA"); data != nullptr && *data != '\0') {
      places.push_back(fs::absolute(data) / given);
      places.push_back(fs::absolute(data) / given.filename());
    }
  }
  std::vector<std::string> tried;
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (fs::is_regular_file(place, ignored)) return fs::weakly_canonical(place).string();
    const std::string line = "\n  tried " + place.lexically_normal().string() + what_it_is(place);
    if (std::find(tried.begin(), tried.end(), line) == tried.end()) tried.push_back(line);
  }
  if (context.data_is_elsewhere) return places.front().lexically_normal().string();
  std::string text = node.origin + ": " + key + ": there is no file '" + path +
                     "'; correct the path, or set THREEPC_DATA to the folder that holds the data";
  for (const std::string& line : tried) text += line;
  throw Failure(Exit::data, text);
}

std::optional<Value> read_value(Section& section, const tpc_param& param, const ResolveContext& context) {
  const Bounds bounds{param.minimum, param.maximum, (param.flags & TPC_PARAM_OPEN_MINIMUM) != 0};
  const auto boxed = [](auto value) { return value ? std::optional<Value>(*value) : std::nullopt; };
  switch (param.type) {
    case TPC_BOOL:
      return boxed(section.flag(param.key));
    case TPC_INTEGER:
      return boxed(section.integer(param.key, bounds));
    case TPC_REAL:
      return boxed(section.real(param.key, bounds));
    case TPC_REALS:
      return boxed(section.reals(param.key, bounds));
    case TPC_PATH: {
      const auto path = section.text(param.key);
      if (!path) return std::nullopt;
      return find_file(*path, *section.take(param.key), section.place() + "." + param.key, context);
    }
    default:
      break;
  }
  if (param.choice_count == 0) return boxed(section.text(param.key));
  return boxed(section.choice(param.key, {param.choices, param.choices + param.choice_count}));
}

void read_params(Section& section, PluginSpec& spec, const ResolveContext& context) {
  for (std::uint32_t i = 0; i < spec.descriptor->param_count; ++i) {
    const tpc_param& param = *spec.descriptor->params[i];
    auto value = read_value(section, param, context);
    if (const Node* node = section.take(param.key))
      spec.origin[param.key] = node->origin + ": " + section.place() + "." + param.key;
    if (!value && (param.flags & TPC_PARAM_REQUIRED) != 0)
      throw Failure(Exit::usage,
                    section.origin() + ": [" + section.place() + "] needs the key '" + param.key + "': " + param.doc);
    spec.values.push_back(value ? value : preset_of(param));
  }
}

[[noreturn]] void missing_child(const Section& section, const PluginSpec& spec, const tpc_slot& slot,
                                const ResolveContext& context) {
  const std::string table = section.place() + "." + slot.key;
  const bool repeated = (slot.flags & TPC_SLOT_REPEATED) != 0;
  throw Failure(Exit::usage, (section.origin().empty() ? context.file : section.origin()) + ": the " +
                                 kind_name(spec.descriptor->kind) + " '" + spec.descriptor->id + "' needs " +
                                 (repeated ? "one or more tables [[" + table + "]]" : "a table [" + table + "]") +
                                 " with a " + kind_name(slot.kind) + " (" + slot.doc +
                                 "); available: " + available(context.catalog, slot.kind));
}

void read_slots(Section& section, PluginSpec& spec, const ResolveContext& context) {
  for (std::uint32_t i = 0; i < spec.descriptor->slot_count; ++i) {
    const tpc_slot& slot = *spec.descriptor->slots[i];
    const bool repeated = (slot.flags & TPC_SLOT_REPEATED) != 0;
    std::vector<Section> children = repeated ? section.children(slot.key) : std::vector{section.child(slot.key)};
    if (children.empty() || children.front().origin().empty()) missing_child(section, spec, slot, context);
    for (Section& child : children) spec.children.push_back(resolve_plugin(child, slot.kind, nullptr, context));
  }
}

/// Comes before anything is missing, because a misspelt key is the likelier reason.
void refuse_unknown(Section& section, const tpc_descriptor& descriptor) {
  for (std::uint32_t i = 0; i < descriptor.param_count; ++i) section.take(descriptor.params[i]->key);
  for (std::uint32_t i = 0; i < descriptor.slot_count; ++i) section.take(descriptor.slots[i]->key);
  section.refuse_unknown(std::string("the ") + kind_name(descriptor.kind) + " '" + descriptor.id + "'");
}

}  // namespace

PluginSpec resolve_plugin(Section& section, tpc_kind kind, const char* fallback, const ResolveContext& context) {
  const char* const key = find_kind(kind)->key;
  const auto id = section.text(key);
  if (section.origin().empty() && fallback == nullptr)
    throw Failure(Exit::usage, context.file + ": there is no table [" + section.place() + "]; add it, with " + key +
                                   " = one of: " + available(context.catalog, kind));
  const std::string table_origin = section.origin().empty() ? context.file : section.origin();
  if (!id && fallback == nullptr)
    throw Failure(Exit::usage, table_origin + ": [" + section.place() + "] needs the key '" + key +
                                   "'; available: " + available(context.catalog, kind));
  const std::string place = (id ? section.take(key)->origin : table_origin) + ": " + section.place() + "." + key;
  const Entry& entry = context.catalog.find(kind, id ? excerpt(*id) : fallback, place);

  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = section.place();
  if ((entry.descriptor->dtypes & context.dtype) == 0)
    throw Failure(Exit::usage, place + ": the " + kind_name(kind) + " '" + entry.descriptor->id +
                                   "' does not support run.dtype = \"" + (context.dtype == TPC_F32 ? "f32" : "f64") +
                                   "\"");
  refuse_unknown(section, *entry.descriptor);
  read_params(section, spec, context);
  read_slots(section, spec, context);
  return spec;
}

}  // namespace threepc
