#include "cli/plugins.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "cli/wrapped.hpp"
#include "config/document.hpp"
#include "nearest.hpp"
#include "plugin/catalog.hpp"
#include "plugin/kinds.hpp"
#include "plugin/peer_method.hpp"
#include "plugin/spec.hpp"

namespace threepc::cli {
namespace {

std::string number(double value) {
  std::ostringstream out;
  out.precision(15);
  out << value;
  return out.str();
}

std::string type_of(const tpc_param& param) {
  static constexpr const char* names[] = {"", "true or false", "integer", "real", "string", "path", "list of reals"};
  std::string text = names[param.type];
  if (*param.unit != '\0') text += std::string(", ") + param.unit;
  return text;
}

std::string range_of(const tpc_param& param) {
  if (param.choice_count > 0) {
    std::string text;
    for (std::uint32_t i = 0; i < param.choice_count; ++i)
      text += (i == 0 ? "" : " | ") + std::string(param.choices[i]);
    return text;
  }
  const bool open = (param.flags & TPC_PARAM_OPEN_MINIMUM) != 0;
  std::string text;
  if (std::isfinite(param.minimum)) text = (open ? "above " : "at least ") + number(param.minimum);
  if (std::isfinite(param.maximum))
    text += (text.empty() ? "" : ", ") + std::string("at most ") + number(param.maximum);
  return text;
}

/// The default as TOML writes it.
std::string preset_text(const tpc_param& param) {
  switch (param.type) {
    case TPC_BOOL:
      return to_toml_text(param.preset.integer != 0);
    case TPC_INTEGER:
      return to_toml_text(param.preset.integer);
    case TPC_REAL:
      return to_toml_text(param.preset.real);
    default:
      return to_toml_text(std::string(param.preset.string));
  }
}

bool has_default(const tpc_param& param) { return (param.flags & TPC_PARAM_HAS_DEFAULT) != 0; }

std::string need_of(const tpc_param& param) {
  if ((param.flags & TPC_PARAM_REQUIRED) != 0) return "required";
  return has_default(param) ? "default " + preset_text(param) : "optional";
}

/// The widest of the keys, so that what follows them lines up.
int key_width(const tpc_descriptor& d) {
  std::size_t width = 10;
  for (std::uint32_t i = 0; i < d.param_count; ++i) width = std::max(width, std::strlen(d.params[i]->key));
  for (std::uint32_t i = 0; i < d.slot_count; ++i) width = std::max(width, std::strlen(d.slots[i]->key));
  return static_cast<int>(width);
}

void show_params(const tpc_descriptor& d) {
  const int width = key_width(d);
  const std::size_t indent = static_cast<std::size_t>(width) + 5;
  std::puts(d.param_count == 0 ? "  parameters   none" : "  parameters");
  for (std::uint32_t i = 0; i < d.param_count; ++i) {
    const tpc_param& param = *d.params[i];
    std::string facts = type_of(param) + "; " + need_of(param);
    if (const std::string range = range_of(param); !range.empty()) facts += "; " + range;
    std::printf("    %-*s %s\n%*s%s\n", width, param.key, wrapped(param.doc, indent).c_str(), static_cast<int>(indent),
                "", wrapped(facts, indent).c_str());
  }
}

void show_slots(const tpc_descriptor& d) {
  static constexpr const char* classes[] = {"a", "a contractive", "an unbiased"};
  const int width = key_width(d);
  if (d.slot_count > 0) std::puts("  takes");
  for (std::uint32_t i = 0; i < d.slot_count; ++i) {
    const tpc_slot& slot = *d.slots[i];
    const bool repeated = (slot.flags & TPC_SLOT_REPEATED) != 0;
    const std::string text = (repeated ? "one or more times " : "") + std::string(classes[slot.accepts]) + " " +
                             kind_name(slot.kind) + ": " + slot.doc;
    std::printf("    %-*s %s\n", width, slot.key, wrapped(text, static_cast<std::size_t>(width) + 5).c_str());
  }
}

/// A value that makes an example of a parameter without a default.
std::string sample(const tpc_param& param) {
  if (param.type == TPC_PATH) return "\"data/FILE\"";
  if (param.choice_count > 0) return to_toml_text(std::string(param.choices[0]));
  if (param.type == TPC_STRING) return "\"...\"";
  if (param.type == TPC_BOOL) return "true";
  const double low = std::isfinite(param.minimum) ? param.minimum : 0;
  if (param.type == TPC_INTEGER)
    return to_toml_text(static_cast<std::int64_t>(std::max(low, std::min(10.0, param.maximum))));
  const double real = std::isfinite(param.maximum) ? (low + param.maximum) / 2 : low + 1;
  return to_toml_text(param.type == TPC_REALS ? Value(std::vector{real}) : Value(real));
}

void show_example(const tpc_descriptor& d) {
  const Kind& kind = *find_kind(d.kind);
  std::printf("  example\n    [%s]\n    %s = \"%s\"\n", kind.section, kind.key, d.id);
  for (std::uint32_t i = 0; i < d.param_count; ++i) {
    const tpc_param& param = *d.params[i];
    if (has_default(param))
      std::printf("    %s = %s\n", param.key, preset_text(param).c_str());
    else if ((param.flags & TPC_PARAM_REQUIRED) != 0)
      std::printf("    %s = %s\n", param.key, sample(param).c_str());
    else
      std::printf("    # %s = %s\n", param.key, sample(param).c_str());
  }
  for (std::uint32_t i = 0; i < d.slot_count; ++i) {
    const bool repeated = (d.slots[i]->flags & TPC_SLOT_REPEATED) != 0;
    std::printf("    %s%s.%s%s\n    plugin = \"...\"  # a %s\n", repeated ? "[[" : "[", find_kind(d.kind)->section,
                d.slots[i]->key, repeated ? "]]" : "]", kind_name(d.slots[i]->kind));
  }
}

/// Where what it makes of g goes.
void show_way(const Entry& entry) {
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  if (const tpc_peers* peers = find_peers(spec)) {
    std::printf("  topology     of peers on a graph, with a table [topology]; each publishes %u vector%s\n",
                peers->published_count, peers->published_count == 1 ? "" : "s");
    return;
  }
  std::printf("  downlink     %s\n", (entry.descriptor->capabilities & TPC_REPLAYABLE) != 0
                                         ? "workers make its steps themselves, from what has changed of g"
                                         : "x, whole: its steps may have other bits on another machine");
}

void show(const Entry& entry) {
  const tpc_descriptor& d = *entry.descriptor;
  std::printf("%s %s %s\n  %s\n", kind_name(d.kind), d.id, d.version, wrapped(d.summary, 2).c_str());
  if (*d.paper != '\0') std::printf("  paper        %s\n", wrapped(d.paper, 15).c_str());
  if (*d.theory != '\0') std::printf("  constants    %s\n", wrapped(d.theory, 15).c_str());
  std::printf("  file         %s\n", entry.file.c_str());
  std::printf("  dtypes      %s%s\n", (d.dtypes & TPC_F32) != 0 ? " f32" : "", (d.dtypes & TPC_F64) != 0 ? " f64" : "");
  if (d.kind == TPC_OPTIMIZER) show_way(entry);
  show_params(d);
  show_slots(d);
  show_example(d);
}

Catalog open_catalog(const std::vector<std::string>& folders) { return Catalog(Catalog::search_path(folders)); }

}  // namespace

Exit list_plugins(const std::vector<std::string>& folders) {
  const Catalog catalog = open_catalog(folders);
  int width = 0;
  for (const Entry& entry : catalog.entries())
    width = std::max(width, static_cast<int>(std::strlen(entry.descriptor->id)));
  for (const Kind& kind : kinds()) {
    bool any = false;
    std::printf("%s%ss\n", &kind == kinds().data() ? "" : "\n", kind.name);
    for (const Entry& entry : catalog.entries()) {
      if (entry.descriptor->kind != kind.id) continue;
      any = true;
      std::printf("  %-*s %-7s %s\n", width, entry.descriptor->id, entry.descriptor->version,
                  wrapped(entry.descriptor->summary, static_cast<std::size_t>(width) + 11).c_str());
    }
    if (!any) std::puts("  none found");
  }
  std::fflush(stdout);
  for (const Rejected& file : catalog.rejected()) std::fprintf(stderr, "\nnot usable: %s\n", file.reason.c_str());
  return Exit::done;
}

Exit show_plugin(const std::string& id, const std::vector<std::string>& folders) {
  const Catalog catalog = open_catalog(folders);
  std::vector<std::string> known;
  bool found = false;
  for (const Entry& entry : catalog.entries()) {
    known.emplace_back(entry.descriptor->id);
    if (id != entry.descriptor->id) continue;
    if (found) std::puts("");
    show(entry);
    found = true;
  }
  if (!found)
    throw Failure(Exit::usage,
                  "there is no plugin '" + id + "'" + suggestion(id, known) + "; available: " + listed(known));
  return Exit::done;
}

}  // namespace threepc::cli
